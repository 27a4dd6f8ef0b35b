//! Findings about a query, drawn under it.

use annotate_snippets::{AnnotationKind, Group, Level as Shown, Renderer, Snippet};

use crate::matching::{Diagnostic, Level};

/// The findings with the query and a caret under each place.
pub(super) fn findings(query: &str, findings: &[Diagnostic], colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let shown: Vec<String> = findings.iter().map(|finding| one(query, finding, &renderer)).collect();
    shown.join("\n\n")
}

fn one(query: &str, finding: &Diagnostic, renderer: &Renderer) -> String {
    let at = |point: usize| query.char_indices().nth(point).map_or(query.len(), |(byte, _)| byte);
    let level = match finding.level {
        Level::Error => Shown::ERROR,
        Level::Warning => Shown::WARNING,
    };
    let span = at(finding.start)..at(finding.end);
    let title = level.primary_title(finding.message.as_str()).id(finding.code);
    let mut group: Group<'_> =
        title.element(Snippet::source(query).annotation(AnnotationKind::Primary.span(span)));
    if let Some(help) = &finding.help {
        group = group.element(Shown::HELP.message(help.as_str()));
    }
    renderer.render(&[group])
}
