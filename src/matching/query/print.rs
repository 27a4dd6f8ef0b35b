//! A tree as a query that reads the same, fully bracketed.

use std::fmt::Write as _;

use super::ast::{Body, Expr, Kind, Mode, Reach, Term};

/// Writes a tree as a query; parsing it again gives the same tree, places aside.
pub fn print(expr: &Expr) -> String {
    let mut out = String::new();
    write(expr, true, &mut out);
    out
}

fn write(expr: &Expr, top: bool, out: &mut String) {
    match &expr.kind {
        Kind::Or(parts) => list(parts, " OR ", top, out),
        Kind::And(parts) => list(parts, " AND ", top, out),
        Kind::Not(inner) => {
            bracket(!top, out, |out| {
                out.push_str("NOT ");
                write(inner, false, out);
            });
        }
        Kind::Near { reach, ordered, left, right } => {
            let name = if *ordered { "ONEAR" } else { "NEAR" };
            let reach = match reach {
                Reach::Words(n) => n.to_string(),
                Reach::Sentence => "s".to_owned(),
                Reach::Paragraph => "p".to_owned(),
            };
            pair(left, &format!(" {name}/{reach} "), right, top, out);
        }
        Kind::NotIn(left, right) => pair(left, " NOT IN ", right, top, out),
        Kind::In(part, inner) => {
            out.extend([part.word(), ":"]);
            write(inner, false, out);
        }
        Kind::Count(count, number, inner) => {
            out.extend([count.word(), "/", &number.to_string(), " "]);
            write(inner, false, out);
        }
        Kind::Term(term) => write_term(term, out),
        Kind::Concept(name) => out.extend(["@", name]),
        Kind::Broken => out.push('…'),
    }
}

fn bracket(on: bool, out: &mut String, inner: impl FnOnce(&mut String)) {
    if on {
        out.push('(');
    }
    inner(out);
    if on {
        out.push(')');
    }
}

fn list(parts: &[Expr], operator: &str, top: bool, out: &mut String) {
    bracket(!top, out, |out| {
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                out.push_str(operator);
            }
            write(part, false, out);
        }
    });
}

fn pair(left: &Expr, operator: &str, right: &Expr, top: bool, out: &mut String) {
    bracket(!top, out, |out| {
        write(left, false, out);
        out.push_str(operator);
        write(right, false, out);
    });
}

fn write_term(term: &Term, out: &mut String) {
    out.push_str(match term.mode {
        Mode::Forms => "",
        Mode::Folded => "=",
        Mode::Exact => "^",
    });
    match &term.body {
        Body::Word(word) => out.push_str(word),
        Body::Phrase { text, slop } => {
            out.extend(["\"", text, "\""]);
            if let Some(slop) = slop {
                out.extend(["~", &slop.to_string()]);
            }
        }
        Body::Regex(text) => out.extend(["/", &text.replace('/', "\\/"), "/"]),
    }
    if (term.boost - 1.0).abs() > f32::EPSILON && write!(out, "^^{}", term.boost).is_err() {
        // Writing to a String cannot fail.
    }
}
