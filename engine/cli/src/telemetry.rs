//! What the process says of itself: lines on stderr, and spans for a collector.
//!
//! `RUNWRIGHT_LOG` chooses the lines (`info`, or `runwright_store=debug,warn`). Spans are exported only when
//! `OTEL_EXPORTER_OTLP_ENDPOINT` is set (OTLP over HTTP, protobuf); the other variables of OpenTelemetry apply.

use std::{io, sync::mpsc, thread, time::Duration};

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use tracing::{Level, Metadata};
use tracing_subscriber::{EnvFilter, Layer as _, Registry, filter::filter_fn, fmt, layer::SubscriberExt as _};

/// Chooses the lines on stderr.
const LOG_VARIABLE: &str = "RUNWRIGHT_LOG";
/// Where spans go; none are made without it.
const ENDPOINT_VARIABLES: [&str; 2] = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];
/// A collector that does not answer may not hold up a person.
const EXPORT_TIMEOUT: Duration = Duration::from_millis(1_500);
/// The longest that the end of the process waits for spans to leave.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

/// Keep until the end; [`Telemetry::flush`] sends what is left.
pub(crate) struct Telemetry(Option<SdkTracerProvider>);

/// Installs the subscriber. `default` chooses the lines when the variable does not.
pub(crate) fn install(default: &str, colour: bool) -> Telemetry {
    let (filter, complaint) = line_filter(default);
    let lines = fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(colour)
        .with_target(true)
        .with_filter(filter);
    let provider = ENDPOINT_VARIABLES.iter().any(|name| is_set(name)).then(provider);
    let (provider, failure) = match provider {
        Some(Ok(provider)) => (Some(provider), None),
        Some(Err(why)) => (None, Some(why)),
        None => (None, None),
    };
    let spans = provider.as_ref().map(|provider| {
        tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("runwright"))
            .with_filter(filter_fn(is_ours))
    });
    let subscriber = Registry::default().with(lines).with(spans);
    // There is none yet: this is called once, first thing.
    let _ = tracing::subscriber::set_global_default(subscriber);
    for what in [complaint, failure].into_iter().flatten() {
        tracing::warn!("{what}");
    }
    Telemetry(provider)
}

impl Telemetry {
    /// Sends what is left, for at most two seconds.
    pub(crate) fn flush(self) {
        let Some(provider) = self.0 else { return };
        let (done, wait) = mpsc::channel();
        // On a thread of its own, so that the limit holds whatever the exporter does.
        thread::spawn(move || {
            let _ = done.send(provider.shutdown_with_timeout(FLUSH_TIMEOUT));
        });
        match wait.recv_timeout(FLUSH_TIMEOUT) {
            Ok(Ok(())) => {}
            Ok(Err(why)) => tracing::info!("spans were lost: {why}"),
            Err(_) => tracing::info!("spans were lost: the collector did not answer within {FLUSH_TIMEOUT:?}"),
        }
    }
}

fn line_filter(default: &str) -> (EnvFilter, Option<String>) {
    let Ok(wanted) = std::env::var(LOG_VARIABLE) else {
        return (EnvFilter::new(default), None);
    };
    match EnvFilter::try_new(&wanted) {
        Ok(filter) => (filter, None),
        Err(why) => (
            EnvFilter::new(default),
            Some(format!("{LOG_VARIABLE}={wanted} was not understood: {why}")),
        ),
    }
}

fn provider() -> Result<SdkTracerProvider, String> {
    // The HTTP client brings no cryptography of its own. Another part of the process may have chosen already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_timeout(EXPORT_TIMEOUT)
        .build()
        .map_err(|why| format!("spans are not exported: {why}"))?;
    let resource = if is_set("OTEL_SERVICE_NAME") {
        Resource::builder().build()
    } else {
        Resource::builder().with_service_name("runwright").build()
    };
    Ok(SdkTracerProvider::builder()
        .with_resource(resource)
        .with_batch_exporter(exporter)
        .build())
}

fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty())
}

/// Spans of the engine, from `info` up: those of its libraries would drown them.
fn is_ours(metadata: &Metadata<'_>) -> bool {
    metadata.target().starts_with("runwright") && *metadata.level() <= Level::INFO
}
