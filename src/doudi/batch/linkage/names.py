"""Names as they are compared (姓名): written alike but for variant characters, sounding alike, sounding alike to a Henan ear; by column.

Only distinct characters are looked up, never names one by one.
"""

from __future__ import annotations

from functools import cache

import polars as pl

# Variant characters (异体字、繁体字) that offices write for each other in names: each group, the form that stands for it first.
_GROUPS = (
    "峰峯 哲喆嚞 坤堃 升昇陞 佩珮 璇璿 皓皜晧暠 阎闫閻 傅付 萧肖蕭 戴代 于於 邱丘 钟锺鍾 凌淩 恒恆 勋勛勳 浚濬 吉𠮷 群羣 启啟啓 晖暉辉輝 玮瑋 娴嫻 裕𥙿 "
    "杰傑 国國 华華 军軍 强強 兰蘭 凤鳳 龙龍 张張 刘劉 陈陳 杨楊 赵趙 黄黃 吴吳 孙孫 马馬 罗羅 郑鄭 谢謝 韩韓 冯馮 许許 邓鄧 叶葉 苏蘇甦 吕呂 卢盧 贾賈 "
    "陆陸 顾顧 侯矦 龚龔 严嚴 钱錢 汤湯 乔喬 赖賴 荣榮 贵貴 宝寶寳 树樹 庆慶 义義 云雲 丽麗 红紅 琼瓊 珍珎 艳艷豔 芸蕓 莲蓮 莹瑩 颖穎頴 洁潔㛃 怀懷 怜憐 灵靈 "
    "岩巖嵒 岳嶽 岭嶺 岛島嶋 崐昆崑 仑侖崙 沟溝 泽澤 涛濤 润潤 渊淵 汉漢 游遊 远遠 迁遷 进進 达達 迈邁 达逹 钧鈞 铁鐵 铭銘 锋鋒 锦錦 镇鎮 钰鈺 银銀 长長 门門 "
    "问問 闻聞 闯闖 阳陽 阴陰 际際 难難 韬韜 顺順 颂頌 预預 飞飛 驰馳 骏駿 骥驥 鹏鵬 鹤鶴 鸿鴻 齐齊 爱愛 宽寬 宁寧甯 实實 宪憲 宾賓 尧堯 尔爾 岁歲嵗 师師 帅帥 "
    "广廣 庄莊 弥彌 归歸 录錄 征徵 德徳悳惪 忆憶 怡㤅 总總 悦悅 惠恵 志誌 恩㤙 才纔 扬揚 护護 择擇 振㨯 敏勄 文彣 斌贇赟 旷曠 时時 旸暘 晓曉 晔曄 晋晉 昆崑 普溥 "
    "智𣉻 会會 来來 东東 松鬆 极極 构構 桢楨 桥橋 梦夢 检檢 楠枏柟 欢歡 欣忻 岁歲 民㞶 气氣 沧滄 浩澔 清淸 烨燁爗 焕煥 热熱 爷爺 牺犧 玛瑪 环環 珑瓏 琏璉 瑶瑤 "
    "画畫 异異 毕畢 盖蓋 盘盤 真眞 睿叡 礼禮 祖袓 祥詳 禄祿 秋秌 稳穩 稣穌 竞競 笃篤 纪紀 纯純 绍紹 绒絨 结結 绣綉繡 绪緒 维維 绮綺 绿綠 缘緣 罡𦊆 联聯 胜勝 脉脈 "
    "腾騰 节節 芦蘆 苇葦 茂楙 药藥 营營 萍蓱 蒋蔣 蓝藍 蔼藹 蕴蘊 虎虝 虚虛 虞䖏 补補 裴裵 觉覺 训訓 记記 诗詩 诚誠 语語 诺諾 谦謙 谨謹 谭譚 贞貞 财財 贤賢 贺賀 赞贊 "
    "车車 轩軒 辰辰 运運 连連 选選 邹鄒 郦酈 里裏裡 野埜 妆妝 姗姍 娅婭 婵嬋 妫媯 嫔嬪 孪孿 学學 寿壽夀 尽盡 层層 届屆 妇婦 妈媽 嬷嬤 仪儀 价價 优優 伟偉 传傳 伦倫 "
    "侠俠 俊儁隽雋 俭儉 债債 倩蒨 儿兒 兴興 冬鼕 净淨 凯凱 刚剛 则則 创創 动動 劲勁 劳勞 励勵 势勢 升陞 协協 卓桌 单單 卫衛衞 历歷曆 双雙 发發 叙敘 台臺 叶葉 号號 吨噸 "
    "员貟贠 咏詠 响響 唤喚 喜囍 圣聖 场場 坚堅 坛壇 垒壘 塘溏 增増 墙牆 壮壯 声聲 处處 备備 复復 头頭 奋奮 奖獎 妙玅"
)
_MERGED = ((r"\bzh", "z"), (r"\bch", "c"), (r"\bsh", "s"), (r"ng\b", "n"), (r"\bl", "n"))


@cache
def variants() -> dict[str, str]:
    """Character -> the one that stands for its group. The first group that names a character counts."""
    found: dict[str, str] = {}
    for group in _GROUPS.split():
        stem = found.get(group[0], group[0])
        for char in group[1:]:
            if char != stem:
                found.setdefault(char, stem)
    return found


@cache
def _reading(char: str) -> str:
    from pypinyin import Style, lazy_pinyin  # its dictionaries take long to load; most processes never ask

    return "".join(lazy_pinyin(char, style=Style.NORMAL, errors=lambda rest: rest.lower())).replace("ü", "v")


def name_columns(names: pl.Series) -> pl.DataFrame:
    """Of a column of names: `name`, `plain` (variant characters and blanks gone), `sound` (pinyin, a blank between syllables, sounds that are confused
    made one), `first_sound`, `last_sound` (surname and the rest). Characters without a reading stand for themselves."""
    distinct = names.drop_nulls().unique(maintain_order=True)
    chars = distinct.str.split("").explode().drop_nulls().unique(maintain_order=True)
    plain = {char: variants()[char] for char in chars if char in variants()}
    read = {char: _reading(plain.get(char, char)) for char in chars}
    split = pl.col("name").str.replace_all(r"[\s·]", "").str.split("")
    spoken = split.list.eval(pl.element().replace(read)).list.join(" ")
    for pattern, sound in _MERGED:
        spoken = spoken.str.replace_all(pattern, sound)
    table = pl.DataFrame({"name": distinct}).with_columns(
        plain=split.list.eval(pl.element().replace(plain)).list.join(""), sound=spoken
    )
    table = table.with_columns(first_sound=pl.col("sound").str.split(" ").list.first(), last_sound=pl.col("sound").str.replace(r"^\S+ ?", ""))
    return pl.DataFrame({"name": names}).join(table, on="name", how="left", maintain_order="left")
