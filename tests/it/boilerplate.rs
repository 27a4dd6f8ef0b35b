//! Appeals, sign-ups and notices: what is recognised at once, what is learnt, and what stays news.

use proptest::prelude::*;
use wirewatch::domain::Timestamp;
use wirewatch::domain::article::Document;
use wirewatch::domain::boilerplate::{Blocks, Memory, Shown, in_any_feed, in_document, without};
use wirewatch::matching::Trial;

const DAY: i64 = 86_400_000;

fn day(number: i64) -> Timestamp {
    Timestamp::from_millis(1_795_420_800_000 + number * DAY)
}

fn marked(text: &str) -> Vec<&str> {
    in_any_feed(text).into_iter().map(|(start, end)| &text[start..end]).collect()
}

// --- from the first article on ---------------------------------------------------------------------------------

/// A donation appeal as publishers of several countries write them, with the names of the day in it.
const APPEAL: &str = "Your support helps us to report what others leave out\n\n\
    From abortion rights to the tariffs of Donald Trump, our reporters are there when it matters. We asked where \
    Elon Musk's money goes, and our readers know how much work that is.\n\n\
    At a time like this we need reporters who listen. Your donation lets us send them.\n\n\
    Your support makes all the difference.";

#[test]
fn an_appeal_fires_no_topic_from_the_first_article_on() {
    let story = "The harbour of Odesa was closed on Monday after a fire.";
    for text in [format!("{APPEAL}\n\n{story}"), format!("{story}\n\n{APPEAL}"), APPEAL.to_owned()] {
        for word in ["Trump", "Musk", "abortion", "tariff"] {
            assert!(!fires(word, &text), "{word} in {text}");
        }
        assert_eq!(fires("harbour", &text), text.contains(story));
    }
    assert!(fires("Trump", "Trump asks for your support"), "news about support is news");
}

fn fires(query: &str, text: &str) -> bool {
    let document = Document { text, boilerplate: &in_any_feed(text), ..Document::default() };
    Trial::new(query, &[]).on(&document).is_some()
}

#[test]
fn what_publishers_say_of_themselves_is_known_in_many_languages() {
    for text in [
        "Sign up for our free weekly newsletter on Trump and Musk.",
        "Get the best of the week in our newsletter, straight to your inbox",
        "We use cookies to improve this page.",
        "© 2026 The Daily Example. All rights reserved.",
        "Read more: Musk sues again",
        "Continue reading…",
        "The post Musk sues again appeared first on Example Daily.",
        "Please consider a donation to keep our reporting on abortion free for all.",
        "Unterstützen Sie unsere Arbeit mit einer Spende.",
        "Hier können Sie unseren Newsletter abonnieren.",
        "Lesen Sie auch: Trumps Zölle",
        "Soutenez notre journalisme dès 1 euro.",
        "Lire la suite",
        "Suscríbete gratis a nuestro boletín diario.",
        "Sostieni il nostro giornalismo con una donazione.",
        "Leia mais: Musk e o Brasil",
        "Steun onze journalistiek.",
        "Wesprzyj niezależne dziennikarstwo.",
        "Czytaj także: Trump i cła",
        "Поддержите нашу редакцию!",
        "Подпишитесь на нашу рассылку о Трампе.",
        "Читайте также: Маск подал в суд",
        "Підтримайте нас на Patreon.",
        "Підписуйтеся на наш канал про Трампа.",
        "무단 전재 및 재배포 금지",
        "ⓒ 한국일보, 무단전재 및 재배포 금지",
        "記事の無断転載を禁じます。",
        "续订请点击阅读全文",
        "版权所有，未经授权不得转载。",
        "اقرأ المزيد: ترامب والرسوم",
        "جميع الحقوق محفوظة",
    ] {
        assert_eq!(marked(text), [text], "{text}");
    }
}

#[test]
fn news_about_such_things_is_news() {
    for text in [
        "The charity asks for donations after the flood.",
        "Google will drop cookies from its browser.",
        "The union published its newsletter on Monday.",
        "Trump told supporters to donate to his campaign.",
        "He signed up for the army in March.",
        "The court ruled that all rights of the tenants are reserved to parliament.",
        "Readers of the magazine elected a new board.",
        "We rely on donations, the hospital's director said.",
        "A man was arrested for copyright infringement.",
        "Die Partei sammelt Spenden für den Wahlkampf.",
        "Партия собирает пожертвования.",
        "Подписка на журнал подорожала.",
        "후원금 횡령 혐의로 기소됐다.",
        "该公司版权纠纷案开庭。",
        "The U.S. subscribes to the treaty.",
    ] {
        assert_eq!(marked(text), [""; 0], "{text}");
    }
}

#[test]
fn only_the_sentence_of_a_flat_text_is_passed_over() {
    let text = "Trump met Musk. Sign up for our newsletter on China! The talks go on.";
    assert_eq!(marked(text), ["Sign up for our newsletter on China!"]);
    let text = "Musk was fined in Berlin. Support our journalism from 2 euros. Your support makes all the difference.";
    assert_eq!(marked(text), [&text[26..]]);
    assert_eq!(without(text, &in_any_feed(text)), "Musk was fined in Berlin.");
    assert_eq!(without("Read more", &in_any_feed("Read more")), "Read more", "better than nothing");
}

// --- what a feed repeats ---------------------------------------------------------------------------------------

const LINE: &str = "Our live blog on the war in Ukraine has all that happened today.";

fn story(number: usize) -> (String, String) {
    let words = ["harbour", "parliament", "volcano", "orchestra", "reactor", "glacier", "vaccine"];
    let word = words[number % words.len()];
    let text = format!(
        "The {word} of town number {number} was in the news again on that day, people said.\n\n{LINE}"
    );
    (format!("News from the {word} {number}"), text)
}

fn learn(memory: &mut Memory, articles: &[(String, String)], at: Timestamp) {
    let read: Vec<Blocks> = articles.iter().map(|(_, text)| Blocks::of(text)).collect();
    let shown: Vec<Shown<'_>> =
        articles.iter().zip(&read).map(|((title, _), blocks)| Shown { title, blocks }).collect();
    memory.learn(&shown, at);
    assert_eq!(Memory::from_bytes(&memory.to_bytes()), *memory, "what is stored reads back");
}

fn repeats(memory: &Memory, line: &str) -> bool {
    !Blocks::of(line).marks(memory).is_empty()
}

#[test]
fn a_block_is_boilerplate_once_three_different_articles_showed_it() {
    let mut memory = Memory::default();
    for number in 0..3 {
        assert!(!repeats(&memory, LINE), "{number}");
        learn(&mut memory, &[story(number)], day(0));
    }
    assert!(repeats(&memory, LINE));
    assert!(repeats(&memory, "  our LIVE blog on the war in Ukraine  has all that happened today"), "folded");
    assert!(!repeats(&memory, &story(1).1.replace(LINE, "")), "an article's own text never is");
    let (title, text) = story(9);
    let shown = [(title.as_str(), text.as_str())];
    assert!(in_document(shown.into_iter(), day(0))[0].is_empty(), "nothing is known of another feed");
}

#[test]
fn one_document_is_enough_when_it_has_three() {
    let mut memory = Memory::default();
    learn(&mut memory, &[story(1), story(2), story(3)], day(0));
    assert!(repeats(&memory, LINE));
}

#[test]
fn one_story_told_again_is_no_repetition() {
    let text = |line: &str| {
        format!(
            "The minister has stepped down after a vote in parliament, her office said on Monday.\n\n{line}\n\n{LINE}"
        )
    };
    let versions: Vec<(String, String)> = (1..9)
        .map(|number| {
            (format!("UPDATE {number}"), text(&format!("This is line {number} of what else is new today.")))
        })
        .collect();
    let mut memory = Memory::default();
    learn(&mut memory, &versions, day(0));
    assert!(!repeats(&memory, LINE), "many headlines, one text");
    let same: Vec<(String, String)> = (1..9).map(|number| ("Weather".to_owned(), story(number).1)).collect();
    learn(&mut memory, &same, day(0));
    assert!(!repeats(&memory, LINE), "one headline, many texts");
    let alone: Vec<(String, String)> = (1..9).map(|number| (story(number).0, LINE.to_owned())).collect();
    let mut memory = Memory::default();
    learn(&mut memory, &alone, day(0));
    assert!(!repeats(&memory, LINE), "many headlines, the same text");
}

#[test]
fn two_lines_that_always_stand_together_are_both_found() {
    let other = "A line that is a good deal longer than all others, so that it passes for the text of every article here.";
    let articles: Vec<(String, String)> =
        (0..6).map(story).map(|(title, text)| (title, format!("{other}\n\n{text}"))).collect();
    let mut memory = Memory::default();
    learn(&mut memory, &articles, day(0));
    assert!(repeats(&memory, LINE) && repeats(&memory, other));
}

#[test]
fn untitled_articles_count_by_their_text() {
    let mut memory = Memory::default();
    let untitled: Vec<(String, String)> = (1..4).map(|number| (String::new(), story(number).1)).collect();
    learn(&mut memory, &untitled, day(0));
    assert!(repeats(&memory, LINE));
}

#[test]
fn what_is_not_seen_for_a_month_is_forgotten() {
    let mut memory = Memory::default();
    learn(&mut memory, &[story(1), story(2), story(3)], day(0));
    learn(
        &mut memory,
        &[("Other".to_owned(), "Something else entirely has happened here now.".to_owned())],
        day(30),
    );
    assert!(repeats(&memory, LINE));
    learn(
        &mut memory,
        &[("More".to_owned(), "Something else again has happened over here now.".to_owned())],
        day(31),
    );
    assert!(!repeats(&memory, LINE));
}

#[test]
fn a_memory_is_bounded_and_keeps_what_repeats() {
    let mut memory = Memory::default();
    learn(&mut memory, &[story(1), story(2), story(3)], day(0));
    for number in 0..60 {
        let lines =
            |at: usize| format!("Line {at} of article {number}, which says a few words of its own.\n\n");
        let text: String = (0..200).map(lines).collect();
        learn(&mut memory, &[(format!("Long {number}"), text)], day(number / 10));
        assert!(memory.to_bytes().len() < 24_000, "{}", memory.to_bytes().len());
    }
    assert!(repeats(&memory, LINE));
}

#[test]
fn what_cannot_be_read_back_is_forgotten() {
    let mut memory = Memory::default();
    learn(&mut memory, &[story(1), story(2)], day(0));
    let bytes = memory.to_bytes();
    for end in 0..bytes.len() {
        let _shorter = Memory::from_bytes(&bytes[..end]);
    }
    assert!(Memory::from_bytes(b"\x09nonsense").is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    /// An article whose every block is its own matches as if there were no boilerplate.
    #[test]
    fn fresh_blocks_are_never_marked(texts in prop::collection::vec("([a-zа-я가-힣一-龥]{1,8} ?){1,30}(\n\n([a-z]{1,9} ){1,12})?", 1..6)) {
        let texts: Vec<(String, String)> = texts.into_iter().enumerate().map(|(number, text)| {
            let own = text.lines().map(|line| if line.trim().is_empty() { line.to_owned() } else { format!("{line} zq{number}") });
            (format!("title {number}"), own.collect::<Vec<_>>().join("\n"))
        }).collect();
        let mut memory = Memory::default();
        learn(&mut memory, &texts, day(0));
        for (_, text) in &texts {
            prop_assert_eq!(Blocks::of(text).marks(&memory), vec![], "{}", text);
        }
    }

    /// Marks are in order, apart, within the text, and begin and end between characters, whatever the text.
    #[test]
    fn marks_fit_their_text(pieces in prop::collection::vec(prop_oneof![
        Just("\n".to_owned()), Just("Read more. ".to_owned()), Just("Your support helps us. ".to_owned()),
        Just("our readers ".to_owned()), Just("한국 무단전재 금지。".to_owned()), "\\PC{0,12}", any::<char>().prop_map(String::from),
    ], 0..20)) {
        let text = pieces.concat();
        let mut at = 0;
        for (start, end) in in_any_feed(&text) {
            prop_assert!(at <= start && start < end && text.get(start..end).is_some());
            at = end;
        }
        let _shorter = without(&text, &in_any_feed(&text));
    }
}
