//! Posting messages.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use ipnet::IpNet;
use reqwest::Client;
use secrecy::ExposeSecret as _;
use tokio::time::Instant;

use super::client::{ClientError, authorities, builder};
use super::errors::describe;
use super::fetch::{check_literal, shown_host};
use super::freshness::retry_after;
use super::guard::Guard;
use crate::domain::delivery::PostOutcome;
use crate::domain::fetch::FailureKind;
use crate::ports::{Clock, Post, PostRequest};

/// Bytes of an answer that are read; the rest is left on the wire.
const ANSWER_BYTES: usize = 16 << 10;

/// Bytes of an answer that are kept for people.
const EXCERPT_BYTES: usize = 4 << 10;

/// How long the body of an answer is waited for. Its status has come by then and says what became of the message.
const BODY_WAIT: Duration = Duration::from_secs(2);

/// Connections kept for the next message; webhooks share none between endpoints. As many as one may have in flight
/// without asking for more than is usual: what is in flight next needs no new one.
const IDLE_PER_HOST: usize = 64;

/// A connection that had nothing to carry for so long is closed.
const IDLE: Duration = Duration::from_secs(30);

type ClientKey = (Option<PathBuf>, Duration);

/// Posts over HTTP/1.1.
#[derive(Debug)]
pub struct HttpPost {
    allowed: Vec<IpNet>,
    guard: Guard,
    clock: std::sync::Arc<dyn Clock>,
    clients: Mutex<HashMap<ClientKey, Client>>,
}

impl HttpPost {
    /// A poster under the guard's exceptions.
    pub fn new(allowed: &[IpNet], clock: std::sync::Arc<dyn Clock>) -> Self {
        Self { allowed: allowed.to_vec(), guard: Guard::new(allowed), clock, clients: Mutex::default() }
    }

    /// Checks that a webhook's certificate authorities can be used.
    ///
    /// # Errors
    /// [`ClientError::CaFile`].
    pub fn check_authorities(file: &std::path::Path) -> Result<(), ClientError> {
        authorities(file).map(drop)
    }

    fn client(&self, request: &PostRequest) -> Result<Client, ClientError> {
        let key = (request.ca_file.clone(), request.connect_timeout);
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&key) {
            return Ok(client.clone());
        }
        let mut builder = builder(&self.allowed, request.connect_timeout)
            .http1_only()
            .pool_max_idle_per_host(IDLE_PER_HOST)
            .pool_idle_timeout(IDLE);
        if let Some(file) = &request.ca_file {
            builder = builder.tls_certs_merge(authorities(file)?);
        }
        let client = builder.build().map_err(ClientError::Other)?;
        clients.insert(key, client.clone());
        Ok(client)
    }

    /// One exchange. `end` is when the whole of it must be over; what came of the body by then is enough.
    async fn exchange(
        &self,
        request: PostRequest,
        end: Instant,
    ) -> Result<(u16, Option<Duration>, Vec<u8>), (FailureKind, String)> {
        let url = url::Url::parse(request.url.expose_secret())
            .map_err(|_error| (FailureKind::Blocked, "the webhook's address cannot be read".to_owned()))?;
        let whom = shown_host(&url);
        let wait = request.timeout;
        check_literal(&self.guard, &url).map_err(|why| (FailureKind::Blocked, format!("{whom}: {why}")))?;
        let client = self.client(&request).map_err(|problem| (FailureKind::Tls, problem.to_string()))?;
        let mut post = client.post(url).body(request.body);
        for (name, value) in &request.headers {
            post = post.header(name, value.expose_secret());
        }
        let answer = tokio::time::timeout_at(end, post.send()).await;
        let answer = answer.map_err(|_elapsed| {
            (FailureKind::Timeout, format!("{whom}: no answer within {} ms", wait.as_millis()))
        })?;
        let mut answer = answer.map_err(|problem| describe(&problem, &whom))?;
        let status = answer.status().as_u16();
        let millis = u64::try_from(self.clock.now().as_millis()).unwrap_or(0);
        let asked = retry_after(answer.headers(), SystemTime::UNIX_EPOCH + Duration::from_millis(millis));
        let mut excerpt = Vec::new();
        let end = end.min(Instant::now() + BODY_WAIT);
        // The status says what became of the message; a body that breaks off or drips says nothing else.
        while let Ok(Ok(Some(chunk))) = tokio::time::timeout_at(end, answer.chunk()).await {
            excerpt.extend_from_slice(&chunk[..chunk.len().min(ANSWER_BYTES - excerpt.len())]);
            if excerpt.len() >= ANSWER_BYTES {
                break;
            }
        }
        excerpt.truncate(EXCERPT_BYTES);
        Ok((status, asked, excerpt))
    }
}

#[async_trait]
impl Post for HttpPost {
    async fn post(&self, request: PostRequest) -> PostOutcome {
        let started = Instant::now();
        let end = started + request.timeout;
        let exchange = self.exchange(request, end).await;
        let took = started.elapsed();
        match exchange {
            Ok((status, retry_after, excerpt)) => {
                PostOutcome::Answered { status, retry_after, excerpt, took }
            }
            Err((kind, message)) => PostOutcome::Failed { kind, message, took },
        }
    }
}
