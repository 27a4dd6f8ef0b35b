//! Signatures, against vectors made with the official Python library (standardwebhooks 1.1.0) and
//! checked with the official Rust one.

use standardwebhooks::Webhook;
use wirewatch::message::sign::{self, SigningKey};

const NEW: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OLD: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

fn key(secret: &str) -> SigningKey {
    SigningKey::parse(secret).expect("a secret")
}

#[test]
fn signatures_are_those_of_the_official_library() {
    // The first vector is the one all official libraries test with.
    let (id, at, body) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
    let expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    assert_eq!(sign::sign(&[key(NEW)], id, at, body.as_bytes()), expected);
    let body = r#"{"type":"test","text":"한국 – русский"}"#;
    assert_eq!(
        sign::sign(&[key(NEW), key(OLD)], "msg_0123456789abcdef", 1_795_395_723, body.as_bytes()),
        "v1,LeGxKmZSSl3l+B6fXapw0cx3TJnnwfn3WCsMaFm/6zo= v1,y7OSAm9TM1/M3A546RCnbht2ymSnXgrbtFM+KvfVYUY="
    );
}

#[test]
fn a_receiver_with_either_secret_accepts_a_message_during_rotation() {
    let (body, now) = (r#"{"type":"test"}"#, jiff::Timestamp::now().as_second());
    let mut headers = http::HeaderMap::new();
    for (name, value) in sign::headers(&[key(NEW), key(OLD)], "msg_1", now, body.as_bytes()) {
        headers.insert(name, value.parse().expect("a header value"));
    }
    for secret in [NEW, OLD] {
        let receiver = Webhook::new(secret).expect("a secret");
        receiver.verify(body.as_bytes(), &headers).expect("a good signature");
        assert!(receiver.verify(b"{}", &headers).is_err(), "another body");
    }
    let stranger = Webhook::new("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").expect("a secret");
    assert!(stranger.verify(body.as_bytes(), &headers).is_err());
}

#[test]
fn without_a_key_nothing_is_signed() {
    let names: Vec<_> = sign::headers(&[], "msg_1", 7, b"{}").into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["webhook-id", "webhook-timestamp"]);
}
