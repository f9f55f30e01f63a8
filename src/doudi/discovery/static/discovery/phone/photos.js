"use strict";
// Photos are drawn again on the phone before they are kept: at most 1600 pixels, without place, time and camera.
const Photos = (() => {
  const LONGEST = 1600;

  function opened(file) {
    return new Promise((resolve, reject) => {
      const picture = new Image(), url = URL.createObjectURL(file);
      picture.onload = () => { URL.revokeObjectURL(url); resolve(picture); };
      picture.onerror = () => { URL.revokeObjectURL(url); reject(new Error("no picture")); };
      picture.src = url;
    });
  }

  // The photo's bytes as JPEG; rejects what is no picture.
  async function smaller(file) {
    const picture = await opened(file);
    const scale = Math.min(1, LONGEST / Math.max(picture.naturalWidth, picture.naturalHeight));
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(picture.naturalWidth * scale));
    canvas.height = Math.max(1, Math.round(picture.naturalHeight * scale));
    const pen = canvas.getContext("2d");
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.82));
    if (!blob) throw new Error("no picture");
    return new Uint8Array(await blob.arrayBuffer());
  }

  // The signature's data: address as bytes.
  const fromDataUrl = (url) => Uint8Array.from(atob(url.slice(url.indexOf(",") + 1)), (sign) => sign.charCodeAt(0));
  const shown = (bytes, type = "image/jpeg") => URL.createObjectURL(new Blob([bytes], { type }));
  return { smaller, fromDataUrl, shown };
})();
