//! What a query finds and what it does not, phenomenon by phenomenon. `⏎` parts headline and text.

use super::{about, document};
use wirewatch::domain::article::Document;
use wirewatch::matching::Trial;

/// Query, article, whether it matches, and why.
type Case = (&'static str, &'static str, bool, &'static str);

const YES: bool = true;
const NO: bool = false;

const ENGLISH: &[Case] = &[
    ("soldier", "Soldiers crossed the bridge", YES, "singular finds plural"),
    ("soldiers", "A soldier crossed the bridge", YES, "plural finds singular"),
    ("troops", "The troopers went home", NO, "another word with the same beginning"),
    ("deploy", "Their deployment was confirmed", YES, "forms of one stem"),
    ("majority", "A major city was hit", YES, "a known weakness of the stemmer"),
    ("=majority", "A major city was hit", NO, "… which = avoids"),
    ("=soldier", "Soldiers crossed the bridge", NO, "= takes no other form"),
    ("=soldier", "One SOLDIER crossed the bridge", YES, "= does not look at case"),
    ("=\"red cross\"", "The Red Crosses", NO, "= before a phrase holds for each word"),
    ("\"South Sudan\"", "South Sudan’s army denied it", YES, "possessive with a curly apostrophe"),
    ("\"South Sudanese\"", "The South\u{2011}Sudanese army", YES, "a hyphen that does not break is a gap"),
    ("Minsk AND Riga", "The Minsk–Riga motorway", YES, "an en dash joins two words"),
    ("cooperation", "More co-operation is needed", YES, "a hyphen the query does not have"),
    ("co-operation", "More cooperation is needed", YES, "a hyphen the text does not have"),
    ("\"anti aircraft\"", "An anti-aircraft gun", YES, "a gap the text writes as a hyphen"),
    ("UN AND EU", "The U.N. and the E.U. agreed", YES, "dots in acronyms"),
    ("U.N.", "The UN agreed", YES, "… in either place"),
    ("IT", "Nobody knew what it was", NO, "capitals ask for capitals"),
    ("IT", "IT STAFF ON STRIKE", YES, "a headline in capitals has them"),
    ("^IT", "WAS IT THE WIND?", YES, "^ compares letters, not meanings"),
    ("WHO", "WHO warns of measles ⏎ Who is at risk?", YES, "an acronym in the headline"),
    ("WHO", "Who is at risk?", NO, "a capital at the start of a sentence is no acronym"),
    ("UAV", "Two UAVs were shot down", YES, "the plural of an acronym"),
    ("uav", "Two UAVs were shot down", YES, "small letters ask for nothing"),
    ("café", "The cafe was full", YES, "accents do not matter"),
    ("cafe", "The café was full", YES, "… in either place"),
    ("^café", "The cafe was full", NO, "^ compares them"),
    ("^Bush", "A bush fire", NO, "^ compares case"),
    ("Bush", "A bush fire", YES, "the same spelling is found in any case"),
    ("Banks", "The banking crisis", NO, "other forms of a capitalised word need a capital"),
    ("banks", "The banking crisis", YES, "… those of a plain word do not"),
    ("25000", "Some 25,000 people marched", YES, "a comma between thousands"),
    ("25000", "Some 25\u{a0}000 people marched", YES, "a space between thousands"),
    ("25,000", "Some 25000 people marched", YES, "… in either place"),
    ("5", "At 5.30 the sirens went", YES, "a decimal point parts numbers"),
    ("\"West Bank\"", "#WestBank on strike", YES, "a hashtag at its capitals"),
    ("westbank", "#WestBank on strike", YES, "… and as a whole"),
    ("kyiv", "as @kyiv_live reported", YES, "an account at its underscores"),
    ("harbour", "Read http://news.example/harbour-fire now", NO, "addresses are no text"),
    ("R&D", "The R&D budget", YES, "names with an ampersand"),
    ("F-16", "Two F-16s were sent", YES, "several of a model"),
    ("AK-47", "Crates of AK-47s", YES, "… of capitals"),
    ("747", "Three 747s on the runway", YES, "… of digits alone"),
    ("1990", "Songs of the 1990s", NO, "a decade is not its first year"),
    ("=majors", "A major", NO, "nothing else loses an s"),
    ("COVID-19", "A Covid-19 ward", YES, "a number tells it from other words, in any case"),
    ("MIG-29", "Two MiG-29s", YES, "… and so here"),
    ("COVID-19", "A covid ward", NO, "… but it has to be there"),
    ("IT-2", "That is it 2", YES, "a limit of that"),
    ("nato", "Nato said so", YES, "an acronym written like a name, asked for in small letters"),
    ("O'Brien", "Then O’Brien resigned", YES, "typographic apostrophes"),
    ("obrien", "Then O’Brien resigned", YES, "… and none"),
    ("minister", "The mini\u{ad}ster resigned", YES, "a soft hyphen is not there"),
    ("\"Hong Kong\"", "Ｈｏｎｇ Ｋｏｎｇ", YES, "full-width letters"),
    ("\"river police\"", "Police at the river", NO, "a phrase has an order"),
    ("\"river police\"", "the river\n\npolice said", NO, "a phrase stays in its paragraph"),
];

const OPERATORS: &[Case] = &[
    ("soldier NEAR/3 border", "A soldier at the northern border", YES, "three words between"),
    ("soldier NEAR/3 border", "A soldier at the long northern border", NO, "four words between"),
    ("border NEAR/3 soldier", "A soldier at the northern border", YES, "NEAR has no order"),
    ("border ONEAR/3 soldier", "A soldier at the northern border", NO, "ONEAR has one"),
    ("soldier ONEAR/3 border", "A soldier at the northern border", YES, "… this one"),
    ("soldier NEAR/0 border", "Soldier border", YES, "no word between"),
    ("fleet NEAR/5 harbour", "The fleet left ⏎ A harbour burnt", NO, "never from headline to text"),
    ("fleet NEAR/200 harbour", "The fleet left ⏎ A harbour burnt", NO, "… however far"),
    ("old NEAR/3 old", "Old harbour, old ships", YES, "two words, once each"),
    ("old NEAR/3 old", "Old harbour", NO, "one word is not near itself"),
    ("old-new NEAR/3 old", "An old-new house", NO, "nor near a compound it is part of"),
    ("(fleet OR navy) NEAR/2 (harbour OR port)", "The navy at port", YES, "groups near groups"),
    ("fleet NEAR/2 port NEAR/2 fire", "The fleet in port caught fire", YES, "from left to right"),
    ("\"grey fleet\" NEAR/1 port", "A grey fleet left port", YES, "phrases count from their edges"),
    ("ship NEAR/s fire", "The ship burnt. Fire spread.", NO, "two sentences"),
    ("ship NEAR/s fire", "The ship of Mr. Lee caught fire.", YES, "a title ends no sentence"),
    ("ship ONEAR/s fire", "The fire took the ship.", NO, "order within a sentence"),
    ("ship NEAR/p fire", "The ship burnt. Fire spread.", YES, "one paragraph"),
    ("ship NEAR/p fire", "The ship burnt.\n\nFire spread.", NO, "two paragraphs"),
    ("Paris NOT IN \"Paris Hilton\"", "Paris Hilton sings", NO, "every place is covered"),
    ("Paris NOT IN \"Paris Hilton\"", "Paris Hilton in Paris", YES, "one place is free"),
    ("Paris AND NOT \"Paris Hilton\"", "Paris Hilton in Paris", NO, "NOT leaves articles out"),
    ("Paris NOT Hilton", "Paris Hilton in Paris", NO, "NOT between two terms"),
    ("fire OR flood AND port", "A fire in the hills", YES, "AND binds more tightly than OR"),
    ("(fire OR flood) AND port", "A fire in the hills", NO, "brackets"),
    ("fire port", "The port is on fire", YES, "AND need not be written"),
    ("fire AND NOT (drill OR exercise)", "A fire in port", YES, "NOT before a group"),
    ("fire AND NOT (drill OR exercise)", "A fire drill", NO, "… of which one is there"),
    ("sand AND gravel", "Sand and gravel", YES, "the word `and` is none of the operators"),
    ("MENTIONS/2 troop", "Troops came. The troops left.", YES, "two places"),
    ("MENTIONS/3 troop", "Troops came. The troops left.", NO, "not three"),
    ("MENTIONS/2 (fleet OR \"grey fleet\")", "A grey fleet", NO, "one place counts once"),
    ("ATLEAST/2 (fire OR flood OR storm)", "A storm, then a flood", YES, "two alternatives"),
    ("ATLEAST/2 (fire OR flood OR storm)", "A storm, then another storm", NO, "one of them twice"),
    ("FIRST/3 port", "In this port", YES, "third word of the text"),
    ("FIRST/3 port", "In this old port", NO, "fourth word of the text"),
    ("FIRST/3 port", "Port ⏎ Nothing here", NO, "the headline is not the text"),
    ("\"port fire\"~1", "Fire in port", YES, "any order, one word between"),
    ("\"port fire\"~1", "Fire in the port", NO, "two words between"),
    ("\"port port\"~3", "Port city", NO, "each word needs its own"),
    ("\"counterattack port\"~0", "port counter-attack", YES, "a compound is one word here, too"),
    ("harb*", "Harbours burnt", YES, "any ending"),
    ("*burg", "Strasbourg and Hamburg", YES, "any beginning"),
    ("*anto*", "A cantonal vote", YES, "both"),
    ("gr?y", "A grey fleet", YES, "one letter"),
    ("gr?y", "A great fleet", NO, "exactly one"),
    ("^Har*", "harbours burnt", NO, "^ and wildcards"),
    ("\"grey fl*\"", "Grey flagships", YES, "wildcards within a phrase"),
    ("/su-?[0-9]{2}/", "Two Su-57 jets", YES, "a pattern on a word, case aside"),
    ("/Su/", "Two Su-57 jets", YES, "… and on a part of a compound"),
    ("/u/", "Two Su-57 jets", NO, "… on all of it"),
    ("/(?i)MIG/ NEAR/1 jet", "A MiG jet", YES, "patterns near words"),
    ("fire^^3 OR port^^0.5", "The port", YES, "a weight does not decide"),
    ("“grey fleet”", "grey fleet", YES, "typographic quotes"),
];

const FIELDS: &[Case] = &[
    ("title:fire", "Fire in port ⏎ A storm", YES, "the headline"),
    ("title:storm", "Fire in port ⏎ A storm", NO, "not the text"),
    ("body:storm", "Fire in port ⏎ A storm", YES, "the text"),
    ("body:fire", "Fire in port ⏎ A storm", NO, "not the headline"),
    ("text:(fire storm)", "Fire in port ⏎ A storm", YES, "either"),
    ("title:(fire OR storm) AND body:storm", "Fire in port ⏎ A storm", YES, "groups"),
    ("title:\"in port\" NEAR/2 title:fire", "Fire in port ⏎ A storm", YES, "near within the headline"),
    ("lead:storm", "Fire ⏎ A storm", YES, "the first words of the text"),
    (
        "lead:storm",
        "⏎ 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 \
         37 38 39 40 storm",
        NO,
        "word 41 is beyond the lead",
    ),
];

/// On an article by Anna Öberg at <https://news.daily.example/world/port-fire_2026?a=1>, in Swedish, in feed `daily-world`
/// with the tags `Wire` and `north`.
const ABOUT: &[Case] = &[
    ("author:öberg", "", YES, "a part of a name"),
    ("author:\"anna oberg\"", "", YES, "a whole name, accents aside"),
    ("author:berg", "", NO, "whole words"),
    ("author:*berg", "", YES, "wildcards"),
    ("author:(lee OR öberg)", "", YES, "groups"),
    ("author:^öberg", "", NO, "as written"),
    ("url:\"port fire\"", "", YES, "words of the address"),
    ("url:world/port-fire", "", YES, "… as it is written there"),
    ("url:2026", "", YES, "parted at underscores, too"),
    ("url:por", "", NO, "whole words"),
    ("site:daily.example", "", YES, "a domain above"),
    ("site:news.daily.example", "", YES, "the host itself"),
    ("site:https://www.daily.example/world", "", YES, "an address names its host"),
    ("site:ily.example", "", NO, "not a part of a name"),
    ("site:world", "", NO, "not the path"),
    ("feed:daily-world", "", YES, "an id"),
    ("feed:daily", "", NO, "the whole id"),
    ("feed:daily-*", "", YES, "wildcards"),
    ("tag:wire", "", YES, "a tag, case aside"),
    ("tag:(wire AND north)", "", YES, "two tags"),
    ("tag:(wire AND NOT north)", "", NO, "… one of them unwanted"),
    ("lang:sv", "", YES, "the language"),
    ("lang:sv-SE", "", YES, "… of a country"),
    ("lang:sv-FI", "", NO, "… not this one"),
    ("lang:s", "", NO, "no beginnings"),
    ("NOT lang:(de OR fr)", "", YES, "other languages"),
    ("hamn AND lang:sv", "Brand i hamn", YES, "together with words"),
];

const KOREAN: &[Case] = &[
    ("해군", "해군이 부산에 도착했다", YES, "a subject particle comes off"),
    ("부산", "해군이 부산에서는 환영받았다", YES, "several particles come off"),
    ("해군", "해군기지를 찾았다", NO, "another noun behind it makes another word"),
    ("해군*", "해군기지를 찾았다", YES, "unless an ending is left open"),
    ("마크", "덴마크 선박", NO, "not within a word"),
    ("로마", "서로마다 다르다", NO, "nor across its parts"),
    ("NATO", "NATO는 부인했다", YES, "a particle behind Latin letters"),
    ("300", "병력 300명이", YES, "a counter behind digits"),
    ("\"한국 해군\"", "한국 해군의 훈련", YES, "phrases"),
];

const RUSSIAN: &[Case] = &[
    ("белорусский AND военный", "Белорусских военных видели в Бресте", YES, "cases of adjectives"),
    ("столица", "В столице спокойно", YES, "cases of nouns"),
    ("война", "Войска ушли", NO, "another stem"),
    ("Горбачев", "Горбачёв подписал", YES, "ё and е"),
    ("замок", "За́мок на горе", YES, "stress marks"),
    ("НАТО", "в Нато", NO, "acronyms ask for capitals"),
    ("\"красный крест\"", "представители Красного Креста", YES, "cases within a phrase"),
];

const UKRAINIAN: &[Case] = &[
    ("білоруський", "Білоруських військових бачили", YES, "cases"),
    ("Шевченківський", "у Шевченківському районі", YES, "cases of a name"),
    ("Зеленський", "Тут ростуть зелені яблука", NO, "a name is not a plain word with its stem"),
    ("Зеленський", "розмова із Зеленським", YES, "… but its own cases"),
    ("п'ять", "П’ять ракет", YES, "apostrophes"),
    ("сім'я", "Сімʼя повернулася", YES, "… of all kinds"),
];

const CHINESE: &[Case] = &[
    ("士兵", "约三百名士兵抵达", YES, "characters in a row"),
    ("海军", "中国海军舰队", YES, "within a longer name"),
    ("海 军", "海上空军", YES, "terms of their own with a space between"),
    ("海军", "海上空军", NO, "… in a row without"),
    ("海军舰队", "中國海軍艦隊", YES, "traditional characters"),
    ("中國海軍", "中国海军舰队", YES, "… in either place"),
    ("海军 NEAR/3 港口", "海军进入了港口", YES, "distance in characters"),
    ("海军 NEAR/2 港口", "海军进入了港口", NO, "… three of them"),
    ("GDP", "中国GDP增长", YES, "Latin letters between"),
];

const JAPANESE: &[Case] = &[
    ("北海道", "台風が北海道に接近", YES, "within running text"),
    ("カメラ", "ｶﾒﾗを買う", YES, "half-width kana"),
    ("大學", "東京の大学", YES, "old forms"),
    ("か", "がくせい", NO, "a voiced sound is another"),
];

const ARABIC: &[Case] = &[
    ("سفن", "وصلت السفن الروسية", YES, "an article in the text"),
    ("السفن", "والسفن في الميناء", YES, "a conjunction before it, and one in the query"),
    ("ميناء", "بالميناء", YES, "a preposition"),
    ("إسرائيل", "اسرائيل تنفي", YES, "kinds of alif"),
    ("كتاب", "كِتَابٌ جديد", YES, "vowel signs"),
    ("قناة", "قنـــاة السويس", YES, "lengthening"),
    ("15", "وصل ١٥ جنديا", YES, "digits"),
];

const PERSIAN: &[Case] = &[
    ("ایران", "ارتش ايران", YES, "Arabic letters for Persian ones"),
    ("کشور", "كشور ما", YES, "… kaf as well"),
    ("کتاب", "کتاب‌ها را خواند", YES, "a plural behind a non-joiner"),
];

const HINDI: &[Case] = &[
    ("सेना", "भारतीय सेना ने कहा", YES, "vowel signs stay"),
    ("लड़का", "लड़के आए", YES, "forms"),
    ("\"भारतीय सेना\"", "भारतीय सेना ने कहा।", YES, "a phrase before a danda"),
    ("2024", "वर्ष २०२४", YES, "digits"),
];

const TURKISH: &[Case] = &[
    ("İstanbul", "istanbul'da deprem", YES, "a dotted capital, and a suffix behind an apostrophe"),
    ("İstanbul", "ISTANBUL", YES, "… and a plain one"),
    ("Diyarbakır", "Diyarbakir", YES, "ı and i"),
    ("asker", "askerler geldi", YES, "plural"),
];

const GREEK: &[Case] = &[
    ("Αθήνα", "ΑΘΗΝΑ", YES, "capitals have no accents"),
    ("δρόμος", "ΔΡΟΜΟΣ", YES, "nor a final sigma"),
    ("στρατιώτης", "οι στρατιώτες", YES, "plural"),
];

const GERMAN: &[Case] = &[
    ("Soldat AND russisch*", "Russische Soldaten", YES, "plural and ending"),
    ("Truppen", "Truppenabzug beginnt", NO, "compounds are words of their own"),
    ("truppen*", "Truppenabzug beginnt", YES, "unless an ending is left open"),
    ("*soldaten", "Zeitsoldaten", YES, "… or a beginning"),
    ("Müller", "Herr Mueller", YES, "umlauts spelt out"),
    ("Mueller", "Herr Müller", YES, "… in either place"),
    ("Muller", "Herr Müller", YES, "… or left out"),
    ("Strasse", "Die Straße", YES, "sharp s"),
    ("U-Boot", "Ein Uboot und ein U‑Boot", YES, "hyphens"),
];

const FRENCH: &[Case] = &[
    ("armée", "L’armée de l'air", YES, "an elided article"),
    ("air", "L’armée de l'air", YES, "… with a plain apostrophe"),
    ("\"sud-coréen\"", "Une délégation sud-coréenne", YES, "feminine behind a hyphen"),
    ("navire", "Des navires", YES, "plural"),
    ("cœur", "Le coeur", YES, "ligatures"),
];

const OTHERS: &[(&str, Case)] = &[
    ("es", ("soldado", "Los soldados llegaron", YES, "plural")),
    ("es", ("España", "ESPANA", YES, "ñ")),
    ("es", ("ministra", "los ministros", YES, "feminine and masculine")),
    ("pl", ("poludnie", "na południu", YES, "ł, and a case")),
    ("pl", ("żołnierz", "żołnierze przybyli", YES, "plural")),
    ("cs", ("voják", "vojáci přišli", YES, "plural with another consonant")),
    ("cs", ("Řím", "v Rimu", YES, "háčky left out, and a case")),
    ("it", ("ambasciata", "dell’ambasciata", YES, "elision")),
    ("pt", ("nação", "Nacao", YES, "tildes")),
    ("sv", ("Malmö", "Malmo", YES, "ö")),
    ("da", ("Ærø", "Aeroe", YES, "æ and ø spelt out")),
    ("nl", ("soldaat", "soldaten", YES, "plural with another vowel")),
    ("fi", ("Helsinki", "Helsingissä", NO, "changing consonants are beyond the stemmer")),
    ("hu", ("tüntetés", "a tüntetések", YES, "plural")),
    ("ro", ("București", "Bucureşti", YES, "comma and cedilla")),
    ("th", ("ทหาร", "ทหารเรือไทย", YES, "no spaces")),
    ("th", ("ทหารไทย", "ทหารเรือไทย", NO, "… but in a row")),
    ("he", ("צה״ל", "דובר צה\"ל", YES, "gershayim and quotes")),
    ("he", ("שלום", "שָׁלוֹם", YES, "points")),
    ("vi", ("Hà Nội", "Ha Noi", YES, "tones")),
    ("hy", ("բանակ", "բանակը", YES, "an article behind")),
    ("ka", ("არმია", "არმია", YES, "a script without stemmer")),
    ("bn", ("সেনা", "বাংলাদেশ সেনা", YES, "signs stay in the word")),
    ("sr", ("vojska", "vojske", YES, "a case")),
    ("id", ("tentara", "tentaranya", YES, "a suffix")),
];

fn fails(lang: Option<&str>, (query, article, expected, why): &Case) -> Option<String> {
    let trial = Trial::new(query, &[]);
    let (title, text) = document(article);
    let found = trial.on(&Document { title, text, lang, ..Document::default() });
    let right = trial.is_usable() && found.is_some() == *expected;
    (!right).then(|| format!("{query}  on  {article}  in {lang:?}: {why} {:?}", trial.findings()))
}

fn check(lang: Option<&str>, cases: &[Case]) -> Vec<String> {
    cases.iter().filter_map(|case| fails(lang, case)).collect()
}

#[test]
fn words_are_found_as_readers_of_their_language_expect() {
    let mut wrong = Vec::new();
    for (lang, cases) in [
        ("en", ENGLISH),
        ("en", OPERATORS),
        ("en", FIELDS),
        ("ko", KOREAN),
        ("ru", RUSSIAN),
        ("uk", UKRAINIAN),
        ("zh", CHINESE),
        ("ja", JAPANESE),
        ("ar", ARABIC),
        ("fa", PERSIAN),
        ("hi", HINDI),
        ("tr", TURKISH),
        ("el", GREEK),
        ("de", GERMAN),
        ("fr", FRENCH),
    ] {
        wrong.extend(check(Some(lang), cases));
    }
    wrong.extend(OTHERS.iter().filter_map(|(lang, case)| fails(Some(lang), case)));
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn most_need_no_declared_language() {
    let mut wrong = Vec::new();
    for cases in
        [ENGLISH, OPERATORS, FIELDS, KOREAN, RUSSIAN, UKRAINIAN, CHINESE, JAPANESE, ARABIC, HINDI, GREEK]
    {
        wrong.extend(check(None, cases));
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn what_is_known_about_an_article_is_asked_by_field() {
    let mut wrong = Vec::new();
    for (query, article, expected, why) in ABOUT {
        let trial = Trial::new(query, &[]);
        let (title, text) = document(article);
        let found = about(title, text, |document| trial.on(document));
        if !trial.is_usable() || found.is_some() != *expected {
            wrong.push(format!("{query}: {why} {:?}", trial.findings()));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
