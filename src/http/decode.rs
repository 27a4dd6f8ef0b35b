//! Content codings (RFC 9110 §8.4): gzip with any number of members, zlib or raw deflate, br, zstd.

use std::io::{self, Read};

use flate2::bufread::GzDecoder;
use flate2::{Decompress, FlushDecompress, Status};

/// Codings of one body that are undone; more is an attack.
const MAX_CODINGS: usize = 3;

/// The largest zstd window, as a power of two: 8 MiB (RFC 9659).
const ZSTD_WINDOW_LOG: u32 = 23;

/// Buffer of the brotli decoder.
const BROTLI_BUFFER: usize = 4096;

/// Why a body could not be decoded.
#[derive(Debug, thiserror::Error)]
pub(super) enum DecodeError {
    /// More than the bound after decoding.
    #[error("too large")]
    TooLarge,
    /// Cut short, or not what the header says.
    #[error("the body is not whole {0}")]
    Broken(String, #[source] io::Error),
    /// A coding we did not ask for.
    #[error("the coding `{0}` is not known")]
    Unknown(String),
}

/// Undoes the codings a `Content-Encoding` names, last one first, up to `max` bytes after each.
pub(super) fn decode(body: Vec<u8>, content_encoding: &str, max: u64) -> Result<Vec<u8>, DecodeError> {
    let codings: Vec<String> = content_encoding
        .split(',')
        .map(|coding| coding.trim().to_ascii_lowercase())
        .filter(|coding| !coding.is_empty() && coding != "identity")
        .collect();
    if codings.len() > MAX_CODINGS {
        return Err(DecodeError::Unknown(content_encoding.chars().take(60).collect()));
    }
    let decoded = codings.iter().rev().try_fold(body, |body, coding| undo(&body, coding, max))?;
    // A file that was compressed before, and compressed once more, or not, on its way: no feed begins like that.
    if is_gzip(&decoded) { gunzip(&decoded, max) } else { Ok(decoded) }
}

/// Whether a body is gzip, whatever is said of it.
pub(super) fn is_gzip(body: &[u8]) -> bool {
    body.starts_with(&GZIP_MAGIC)
}

fn undo(body: &[u8], coding: &str, max: u64) -> Result<Vec<u8>, DecodeError> {
    match coding {
        "gzip" | "x-gzip" => gunzip(body, max),
        // Named deflate means zlib, but some send it raw.
        "deflate" => match inflate(body, true, max) {
            Err(DecodeError::Broken(..)) => inflate(body, false, max),
            decoded => decoded,
        },
        "br" => read(brotli::Decompressor::new(body, BROTLI_BUFFER), "br", max),
        "zstd" => {
            let broken = |problem| DecodeError::Broken("zstd".to_owned(), problem);
            let mut decoder = zstd::stream::read::Decoder::new(body).map_err(broken)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG).map_err(broken)?;
            read(decoder, "zstd", max)
        }
        other => Err(DecodeError::Unknown(other.chars().take(60).collect())),
    }
}

/// What every member of gzip begins with.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Joins the members. What follows the last one and is none is padding, as gzip itself takes it.
fn gunzip(body: &[u8], max: u64) -> Result<Vec<u8>, DecodeError> {
    let mut rest = body;
    let mut out = Vec::new();
    while out.is_empty() && rest.len() == body.len() || rest.starts_with(&GZIP_MAGIC) {
        let room = max - out.len() as u64;
        let mut member = GzDecoder::new(rest);
        member
            .by_ref()
            .take(room.saturating_add(1))
            .read_to_end(&mut out)
            .map_err(|problem| DecodeError::Broken("gzip".to_owned(), problem))?;
        if out.len() as u64 > max {
            return Err(DecodeError::TooLarge);
        }
        rest = member.into_inner();
    }
    Ok(out)
}

/// Output is made room for in steps of this many bytes.
const INFLATE_STEP: usize = 32 << 10;

/// Undoes zlib or raw deflate. The streaming decoders take the end of the input for the end of the text;
/// here the stream itself has to end.
fn inflate(body: &[u8], zlib: bool, max: u64) -> Result<Vec<u8>, DecodeError> {
    let broken = |problem: io::Error| DecodeError::Broken("deflate".to_owned(), problem);
    let mut decompress = Decompress::new(zlib);
    let mut out = Vec::new();
    loop {
        out.reserve(INFLATE_STEP);
        let (taken, made) = (decompress.total_in(), decompress.total_out());
        let rest = usize::try_from(taken).ok().and_then(|taken| body.get(taken..)).unwrap_or_default();
        let status = decompress
            .decompress_vec(rest, &mut out, FlushDecompress::None)
            .map_err(|problem| broken(problem.into()))?;
        if out.len() as u64 > max {
            return Err(DecodeError::TooLarge);
        }
        if status == Status::StreamEnd {
            return Ok(out);
        }
        if (decompress.total_in(), decompress.total_out()) == (taken, made) {
            return Err(broken(io::ErrorKind::UnexpectedEof.into()));
        }
    }
}

fn read(decoder: impl Read, coding: &str, max: u64) -> Result<Vec<u8>, DecodeError> {
    let mut out = Vec::new();
    decoder
        .take(max.saturating_add(1))
        .read_to_end(&mut out)
        .map_err(|problem| DecodeError::Broken(coding.to_owned(), problem))?;
    if out.len() as u64 > max { Err(DecodeError::TooLarge) } else { Ok(out) }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn every_coding_comes_back() {
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
        zlib.write_all(b"text").unwrap();
        let mut raw = DeflateEncoder::new(Vec::new(), Compression::default());
        raw.write_all(b"text").unwrap();
        let mut br = Vec::new();
        brotli::CompressorWriter::new(&mut br, 4096, 5, 22).write_all(b"text").unwrap();
        let zstd = zstd::encode_all(&b"text"[..], 3).unwrap();
        for (body, coding) in [
            (gzip(b"text"), "gzip"),
            (gzip(b"text"), "X-GZIP"),
            (zlib.finish().unwrap(), "deflate"),
            (raw.finish().unwrap(), "deflate"),
            (br, "br"),
            (zstd, "zstd"),
            (gzip(&gzip(b"text")), "gzip, gzip"),
            (b"text".to_vec(), "identity"),
        ] {
            assert_eq!(decode(body, coding, 100).unwrap(), b"text", "{coding}");
        }
    }

    #[test]
    fn members_join_and_padding_is_ignored() {
        let mut body = gzip(b"one ");
        body.extend(gzip(b"two"));
        assert_eq!(decode(body.clone(), "gzip", 7).unwrap(), b"one two");
        assert!(matches!(decode(body.clone(), "gzip", 6), Err(DecodeError::TooLarge)));
        for padding in [&[0; 512][..], b"\n", b"\x1f", b"<!-- cached -->"] {
            assert_eq!(decode([&body, padding].concat(), "gzip", 100).unwrap(), b"one two");
        }
        assert!(decode([&body, &b"\x1f\x8b"[..]].concat(), "gzip", 100).is_err(), "a member that is cut");
    }

    #[test]
    fn what_is_cut_or_swollen_is_refused() {
        let text = vec![b'x'; 100_000];
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
        zlib.write_all(&text).unwrap();
        let mut raw = DeflateEncoder::new(Vec::new(), Compression::default());
        raw.write_all(&text).unwrap();
        let mut br = Vec::new();
        brotli::CompressorWriter::new(&mut br, 4096, 5, 22).write_all(&text).unwrap();
        for (whole, coding) in [
            (gzip(&text), "gzip"),
            (zlib.finish().unwrap(), "deflate"),
            (raw.finish().unwrap(), "deflate"),
            (br, "br"),
            (zstd::encode_all(&text[..], 3).unwrap(), "zstd"),
        ] {
            assert!(matches!(decode(whole.clone(), coding, 99_999), Err(DecodeError::TooLarge)), "{coding}");
            for cut in 0..whole.len() {
                assert!(decode(whole[..cut].to_vec(), coding, 1 << 20).is_err(), "{coding} cut at {cut}");
            }
        }
        assert!(matches!(decode(b"x".to_vec(), "compress", 9), Err(DecodeError::Unknown(_))));
    }
}
