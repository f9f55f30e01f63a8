"""Names: surnames by frequency, given names by generation and sex, rare characters, names with a middle dot."""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Ints = npt.NDArray[np.int64]

# Shares in per mille of the population, rounded; Henan has more 李, 王, 张 and less 陈, 黄 than the country.
_SURNAME_TABLE = (
    "王92 李96 张94 刘56 陈25 杨29 赵28 黄9 周15 吴14 徐14 孙19 马22 朱15 胡12 郭21 何8 高12 林4 罗5 郑9 梁8 谢6 宋12 唐5 许9 韩13 邓4 冯9 "
    "曹7 彭4 曾2 肖4 田7 董8 潘3 袁6 蔡3 蒋2 余4 于4 杜7 叶3 程7 魏9 苏5 吕6 丁5 任7 卢4 姚5 沈2 钟1.5 姜3 崔6 谭2 陆1.5 范5 汪2 廖1 石5 "
    "金2.5 韦1 贾5 夏3 付4 方3 邹1.5 熊1.5 白3.5 孟4.5 秦4 邱1.5 侯4.5 江1.5 尹2 薛3 闫5 段3 雷2.5 龙1 黎1 史3.5 陶1.8 贺2 毛2 郝2 顾1.2 龚1 "
    "邵2.2 万2 覃0.4 武3 钱1 戴1.5 严1 莫0.5 孔1.8 向0.6 常3.2 靳1.6 申2 牛2.2 翟1.8 时1.2 司0.8 苗1 娄0.6 禹0.4 关0.7 楚0.6 原0.6 卫0.5 "
    "仝0.5 欧阳0.6 上官0.3 司马0.15 皇甫0.15 诸葛0.1 尉迟0.02 逯0.08 亓0.03 璩0.05 禤0.005 䶮0.002"
)
SURNAMES = {name: float(share) for name, share in re.findall(r"(\D+?)([\d.]+)\s?", _SURNAME_TABLE)}

# (characters that come first, characters that come last, whole names) by generation and sex; generations start in the years of GENERATIONS.
GENERATIONS = (1900, 1950, 1970, 1990, 2008)
GIVEN: dict[tuple[int, bool], tuple[str, str, str]] = {
    (0, True): ("福德金玉长广文天永保树连新春国学清怀", "山海林生堂财有田旺成才忠义臣祥云顺喜", "栓 柱 发 福 贵 德 狗剩 石头 铁成 根生"),
    (0, False): ("秀桂玉兰凤素爱翠金淑巧春月瑞贵妞", "英兰花荣枝珍梅莲云芝香娥芳琴贞妮", "妞 花 梅 兰 大妮 二妮 王氏 小凤 玉荣"),
    (1, True): ("建国志保红卫新永双全文学庆军长明俊", "军民国林生强华平安成山喜岭伟忠良庆旗", "军 刚 强 勇 杰 平 涛 斌 援朝 跃进 国庆"),
    (1, False): ("秀玉桂爱红春素彩喜凤改翠淑国巧俊", "英兰荣枝珍霞梅玲云香芳琴花莲敏平", "霞 玲 敏 芳 萍 英 红 改妮 爱花 秋菊"),
    (2, True): ("建志海红晓军永俊亚永小国世宏利少", "伟峰涛军辉杰超磊鹏强波飞刚斌东亮", "伟 磊 鹏 超 涛 刚 勇 辉 波 飞 锋 亮"),
    (2, False): ("晓红丽艳小春海雪俊利志彦巧亚玉瑞", "丽霞娟敏红艳玲燕娜芳霞平萍娜静辉", "静 丽 娜 敏 燕 艳 娟 红 玲 霞 芳 莉"),
    (3, True): ("志子晓文俊世浩宇家嘉明旭梦亚帅少", "豪博鹏杰飞龙宇阳轩凯浩斌航涵威森", "浩 鑫 帅 凯 阳 鹏 超 龙 宇 博 洋 森"),
    (3, False): ("梦晓佳雪思文静雨欣亚莹慧嘉婷怡舒", "婷雨洁莹佳琪瑶雪倩颖茹琳静雅丹文", "婷 雪 倩 颖 洁 莹 琪 瑶 静 蕾 悦 丹"),
    (4, True): ("子浩梓宇俊一奕沐泽佳博嘉明皓铭昊", "轩涵睿豪宸泽辰然硕阳霖洋恒熙航诺", "浩 睿 轩 辰 诺 晨 硕 奕辰 梓豪 一诺"),
    (4, False): ("梓欣诗雨一若语子可佳思艺紫依雅奕", "涵怡萱彤诺汐妍琪菲桐馨蕊瑶晨然熙", "诺 涵 萱 彤 妍 诗涵 梓涵 一诺 欣怡 语桐"),
}

# Rare ones: what input methods, GBK and fonts stumble over. 𠮷 and 𬱖 lie outside the basic plane, 㛃 in extension A, 䶮 entered GBK late.
RARE_GIVEN = (
    "淼",
    "犇",
    "㛃",
    "䶮",
    "𠮷",
    "翀",
    "彧",
    "赟",
    "喆",
    "堃",
    "燚",
    "昇",
    "玥彤",
    "煜堃",
    "𬱖",
    "珺",
    "垚",
    "骉",
    "龑",
    "小㛃",
    "𠮷祥",
    "晔",
    "旸",
    "媄",
)
UYGHUR_MALE = ("买买提·艾合买提", "阿卜杜拉·热西提", "艾力·吐尔逊", "阿迪力·麦麦提")
UYGHUR_FEMALE = ("阿依古丽·买买提", "古丽娜尔·艾山", "帕提古丽·吐尔逊", "热依汗古丽·肉孜")

ETHNICITIES: tuple[tuple[str, float], ...] = (("01", 0.9768), ("03", 0.019), ("11", 0.0018), ("02", 0.0012), ("15", 0.0006), ("05", 0.0006))
"""GB/T 3304: Han, Hui, Manchu, Mongol, Tujia, Uyghur, with their shares in the synthetic county."""


def _given_names() -> tuple[pa.Array, Ints, Ints]:
    """All given names in one column, and per (generation, sex) the first position and the number."""
    names: list[str] = []
    first, number = [], []
    for key in sorted(GIVEN):
        heads, tails, whole = GIVEN[key]
        # Whole names count several times: short names are common.
        entries = [head + tail for head in heads for tail in tails if head != tail] + whole.split() * 6
        first.append(len(names))
        number.append(len(entries))
        names += entries
    return pa.array(names), np.array(first), np.array(number)


_SURNAMES = pa.array(list(SURNAMES))
_SURNAME_SHARES = np.array(list(SURNAMES.values())) / sum(SURNAMES.values())
_GIVEN_NAMES, _GIVEN_FIRST, _GIVEN_NUMBER = _given_names()
_RARE = pa.array(RARE_GIVEN)


def _lacks(character: str) -> bool:
    try:
        character.encode("gbk")
    except UnicodeEncodeError:
        return True
    return False


OUTSIDE_GBK = "".join(sorted({character for name in (*SURNAMES, *RARE_GIVEN) for character in name if _lacks(character)}))
"""Characters of the names here that GBK cannot hold."""


def draw_surnames(rng: np.random.Generator, size: int) -> Ints:
    """Positions in the table of surnames."""
    return rng.choice(len(_SURNAME_SHARES), size=size, p=_SURNAME_SHARES)


def full_names(rng: np.random.Generator, surname: Ints, male: npt.NDArray[np.bool_], birth_year: Ints, ethnicity: npt.NDArray[np.int64]) -> pa.Array:
    """Names as an Arrow string column. `ethnicity`: position in ETHNICITIES; Uyghur names carry the middle dot (U+00B7)."""
    size = len(surname)
    generation = np.searchsorted(GENERATIONS, birth_year, side="right").clip(1) - 1
    group = generation * 2 + male
    given = _GIVEN_NAMES.take(pa.array(_GIVEN_FIRST[group] + (rng.random(size) * _GIVEN_NUMBER[group]).astype(np.int64)))
    rare = rng.random(size) < 0.003
    given = pc.if_else(pa.array(rare), _RARE.take(pa.array(rng.integers(0, len(RARE_GIVEN), size))), given)
    names = pc.binary_join_element_wise(_SURNAMES.take(pa.array(surname)), given, "")
    uyghur = ethnicity == len(ETHNICITIES) - 1
    if uyghur.any():
        pick = rng.integers(0, len(UYGHUR_MALE), size)
        dotted = pc.if_else(pa.array(male), pa.array(UYGHUR_MALE).take(pa.array(pick)), pa.array(UYGHUR_FEMALE).take(pa.array(pick)))
        names = pc.if_else(pa.array(uyghur), dotted, names)
    return names
