"""Code lists of the registry's forms."""

from __future__ import annotations

from doudi.batch.datasets.relationships import RELATIONSHIPS

# GB/T 3304-1991 ethnic groups (民族)
ETHNICITIES: dict[str, str] = {
    f"{number:02d}": name
    for number, name in enumerate(
        [
            "汉族",
            "蒙古族",
            "回族",
            "藏族",
            "维吾尔族",
            "苗族",
            "彝族",
            "壮族",
            "布依族",
            "朝鲜族",
            "满族",
            "侗族",
            "瑶族",
            "白族",
            "土家族",
            "哈尼族",
            "哈萨克族",
            "傣族",
            "黎族",
            "傈僳族",
            "佤族",
            "畲族",
            "高山族",
            "拉祜族",
            "水族",
            "东乡族",
            "纳西族",
            "景颇族",
            "柯尔克孜族",
            "土族",
            "达斡尔族",
            "仫佬族",
            "羌族",
            "布朗族",
            "撒拉族",
            "毛南族",
            "仡佬族",
            "锡伯族",
            "阿昌族",
            "普米族",
            "塔吉克族",
            "怒族",
            "乌孜别克族",
            "俄罗斯族",
            "鄂温克族",
            "德昂族",
            "保安族",
            "裕固族",
            "京族",
            "塔塔尔族",
            "独龙族",
            "鄂伦春族",
            "赫哲族",
            "门巴族",
            "珞巴族",
            "基诺族",
        ],
        1,
    )
}
# Class codes of banks (行别代码) that pay one-card money in Henan
BANKS: dict[str, str] = {
    "402": "河南省农村信用社", "403": "中国邮政储蓄银行", "103": "中国农业银行", "105": "中国建设银行", "102": "中国工商银行", "104": "中国银行",
    "301": "交通银行", "313": "中原银行",
}  # fmt: skip

__all__ = ["BANKS", "ETHNICITIES", "RELATIONSHIPS"]
