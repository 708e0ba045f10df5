"""A small matrix of encodings, with sentences written for it: every page exact, whatever it declares."""

import pytest

from llimba.languages.letters import letters_of
from llimba.languages.profile import load_language
from tests.stages.sources import encodings
from tests.stages.sources.encodings import RIGHT, UNDECLARED, WRONG, Page, encoded

TEXTS = {  # language -> the labels of its older encodings, and a text
    "de": (
        "windows-1252 iso-8859-15 macintosh",
        "Am frühen Morgen öffnete die Bäckerin ihren Laden in der Straße am Fluß. Die Kinder mußten noch "
        "schlafen, während der Großvater schon die Hühner fütterte.",
    ),
    "pl": (
        "windows-1250 iso-8859-2",
        "Wczoraj wieczorem sąsiadka przyniosła świeży chleb i dżem z żurawiny. Mój brat powiedział, że jutro "
        "będzie słońce, więc pójdziemy nad rzekę łowić ryby.",
    ),
    "cs": (
        "windows-1250 iso-8859-2",
        "Děti běžely přes zelenou louku až k řece. Tatínek říkal, že žluté květy ještě nekvetou, a šťastně se usmíval.",
    ),
    "ru": (
        "windows-1251 koi8-r iso-8859-5 ibm866 x-mac-cyrillic",
        "Рано утром мы вышли из дома и пошли к морю. Над водой летали чайки, а рыбаки уже возвращались с уловом.",
    ),
    "uk": (
        "windows-1251 koi8-u iso-8859-5",
        "Учора ввечері ми сиділи біля печі й слухали бабусині оповідки. Її голос був тихий, а за вікном падав сніг.",
    ),
    "el": (
        "windows-1253 iso-8859-7",
        "Το πρωί ο ψαράς βγήκε με τη βάρκα του. Η θάλασσα ήταν ήσυχη και ο ήλιος ανέβαινε πάνω από τα νησιά.",
    ),
    "tr": (
        "windows-1254",
        "Sabah erkenden kalktık ve köyün dışındaki çeşmeye yürüdük. Yaşlı bir adam bize ağacın altında çay "
        "ısmarladı, güneş ışıldıyordu.",
    ),
    "he": (
        "windows-1255",
        "בבוקר מוקדם יצאנו מן הבית והלכנו אל הים. הדייגים כבר חזרו עם הסירות, והילדים שיחקו בחול.",
    ),
    "ar": (
        "windows-1256 iso-8859-6",
        "خرجنا من البيت في الصباح الباكر ومشينا إلى البحر. كان الصيادون قد عادوا بالسمك، والأطفال يلعبون على الرمل.",
    ),
    "lt": (
        "windows-1257 iso-8859-13",
        "Ankstų rytą žvejai išplaukė į ežerą. Vėjas pūtė nuo kranto, o vaikai dar miegojo šiltose lovose prie "
        "krosnies.",
    ),
    "lv": (
        "windows-1257 iso-8859-13",
        "Agri no rīta zvejnieki devās uz jūru. Vējš pūta no krasta, un bērni vēl gulēja siltās gultās pie "
        "krāsns, kamēr māte cepa maizīti.",
    ),
    "vi": (
        "windows-1258",
        "Sáng sớm hôm nay chúng tôi đi bộ ra bờ biển. Những người đánh cá đã trở về với nhiều cá tươi, còn bọn "
        "trẻ đang chơi trên cát.",
    ),
    "th": (
        "windows-874",
        "เช้าวันนี้เราเดินไปที่ทะเล ชาวประมงกลับมาพร้อมปลาจำนวนมาก และเด็กๆ กำลังเล่นอยู่บนหาดทราย",
    ),
    "ja": (
        "shift_jis euc-jp iso-2022-jp",
        "朝早く家を出て、海まで歩きました。漁師たちはもう魚を持って帰ってきていて、子供たちは砂浜で遊んでいました。",
    ),
    "zh": (
        "gb2312 gb18030",
        "清晨我们离开家，走到海边。渔民们已经带着鱼回来了，孩子们在沙滩上玩耍。",
    ),
    "zh-Hant": (
        "big5",
        "清晨我們離開家，走到海邊。漁民們已經帶著魚回來了，孩子們在沙灘上玩耍。",
    ),
    "ko": (
        "euc-kr",
        "아침 일찍 집을 나와 바다까지 걸었습니다. 어부들은 벌써 물고기를 가지고 돌아왔고 아이들은 모래밭에서 "
        "놀고 있었습니다.",
    ),
    "sc": (
        "windows-1252",
        "A mangianu chito sos piscadores sunt torrados dae su mare. Su sole fiat giai artu, e sos pitzinnos "
        "giogaiant in s’arena: “est perìgulu”, naraiat sa mama, ma issos non l’iscurtaiant prus.",
    ),
}
MADE = [
    Page(language, label, text, encoded(text, label))
    for language, (labels, text) in TEXTS.items()
    for label in f"utf-8 utf-8-sig utf-16 utf-16-le utf-32 {labels}".split()
]


@pytest.mark.parametrize("condition", [UNDECLARED, RIGHT, *WRONG])
def test_every_page_is_exact_where_its_language_is_known(condition: str) -> None:
    profile = load_language("srd")
    for page in MADE:
        label = {UNDECLARED: "", RIGHT: page.encoding}.get(condition, condition)
        assert not encodings.exact(page, label, letters_of(page.language, profile)), (page.language, page.encoding)


def test_the_letters_of_another_language_do_little_harm() -> None:
    rows = encodings.matrix([page for page in MADE if page.language not in ("sc",)], hinted=False)
    for condition, (good, number, bad) in rows.items():
        assert good >= 0.97 * number, (condition, bad)
