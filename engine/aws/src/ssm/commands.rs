//! Command documents on managed nodes: sent once, found again after a crash, waited for by their id.
//!
//! SendCommand takes no token by which the service would know a request again. So the remark of each command ends in a
//! mark that is made of the call's key (`request::mark`): a call that is made again, because the engine was killed or the
//! answer was lost, looks for its command in the service's list and attaches to it. A record on this machine would be no
//! better, since it could be written only after the answer, and that gap is the one that matters.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use aws_sdk_ssm::{
    Client,
    error::SdkError,
    operation::send_command::SendCommandError,
    types::{Command, CommandFilter, CommandFilterKey, CommandInvocation, CommandStatus},
};
use runwright_model::{
    capability::{
        CallContext, Error,
        commands::{DocumentEnd, NODES_SHOWN_MAX, NodeEnd},
    },
    log::{Level, Stream},
};
use serde_json::{Map, Value};
use tokio::sync::watch;

use super::{client, client_that_asks_once, refused, request};
use crate::{Aws, retry};

/// The first pause between two looks; each is half as long again as the one before.
const LOOK_FIRST: Duration = Duration::from_millis(500);
/// The longest pause between two looks.
const LOOK_MAX: Duration = Duration::from_secs(10);
/// How many looks in a row may fail, or find nothing, before nobody knows what became of a command.
const LOOKS_FAILED_MAX: u32 = 30;
/// How often a command is looked for by its mark: what was just sent is not listed at once.
const SEARCHES: u32 = 4;
/// The pause between two of these.
const SEARCH_PAUSE: Duration = Duration::from_secs(1);
/// How many pages of the list of commands are read for a mark: with 50 each.
const PAGES_MAX: usize = 200;
/// Commands on a page.
const PAGE: i32 = 50;

/// The calls whose commands are under way, each with the word that ends it.
#[derive(Default)]
pub(crate) struct UnderWay(Mutex<HashMap<String, watch::Sender<bool>>>);

/// One of these, until it is dropped.
struct Entry<'a> {
    all: &'a UnderWay,
    key: &'a str,
    stop: watch::Receiver<bool>,
}

impl UnderWay {
    fn begin<'a>(&'a self, key: &'a str) -> Entry<'a> {
        let (sender, stop) = watch::channel(false);
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key.to_owned(), sender);
        Entry { all: self, key, stop }
    }

    fn of(&self, key: &str) -> Option<watch::Sender<bool>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        self.all
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(self.key);
    }
}

/// One call.
struct Run<'a> {
    aws: &'a Aws,
    context: &'a CallContext,
    document: String,
    mark: String,
}

impl Aws {
    /// Runs a document, or attaches to the command that this call has sent before.
    pub(crate) async fn run_document(
        &self,
        request: Map<String, Value>,
        context: &CallContext,
    ) -> Result<DocumentEnd, Error> {
        let mut entry = self.0.under_way.begin(&context.idempotency_key);
        let run = Run {
            aws: self,
            context,
            document: request::document(&request).to_owned(),
            mark: request::mark(&context.idempotency_key),
        };
        let id = if context.again {
            run.search("the engine stopped when it was about to be sent or had just been sent")
                .await?
        } else {
            run.send(request).await?
        };
        run.wait(&id, &mut entry.stop).await
    }

    /// Cancels the command of a call, and returns when it has ended.
    pub(crate) async fn stop_document(&self, request: &Map<String, Value>, context: &CallContext) {
        let key = &context.idempotency_key;
        if let Some(stop) = self.0.under_way.of(key) {
            let _ = stop.send(true);
            stop.closed().await;
            return;
        }
        // A command of an engine before this one.
        let Ok(credentials) = self.credentials_of(context).await else {
            return;
        };
        let client = client(self, credentials);
        if let Ok(Some(id)) = find(&client, &request::mark(key), request::document(request)).await {
            let _ = client.cancel_command().command_id(id).send().await;
        }
    }
}

impl Run<'_> {
    /// Sends the command once, and answers its id.
    async fn send(&self, request: Map<String, Value>) -> Result<String, Error> {
        retry::time_left(LOOK_MAX, self.context.deadline)?;
        let input = request::input(request, &self.mark, &self.context.secrets)?;
        let client = client_that_asks_once(self.aws, self.aws.credentials_of(self.context).await?);
        let mut attempt = 0;
        loop {
            attempt += 1;
            match input.clone().send_with(&client).await {
                Ok(sent) => {
                    let id = sent.command.and_then(|command| command.command_id);
                    return id.ok_or_else(|| self.lost("the service answered without its id"));
                }
                Err(error) if attempt < retry::ATTEMPTS_MAX && is_throttled(&error) => {
                    tokio::time::sleep(retry::backoff(attempt)).await;
                }
                Err(error) if may_have_arrived(&error) => return self.search("the service gave no answer to it").await,
                Err(error) => return Err(refused(&format!("sending {}", self.document), &error)),
            }
        }
    }

    /// The id of the command that was sent before.
    async fn search(&self, why: &str) -> Result<String, Error> {
        let client = client(self.aws, self.aws.credentials_of(self.context).await?);
        for search in 1..=SEARCHES {
            match find(&client, &self.mark, &self.document).await {
                Ok(Some(id)) => {
                    self.note(&format!("attached to the command {id}, which was sent before"));
                    return Ok(id);
                }
                Ok(None) if search < SEARCHES => tokio::time::sleep(SEARCH_PAUSE).await,
                Ok(None) => {}
                Err(error) => return Err(self.lost(&format!("{why}, and {error}"))),
            }
        }
        Err(self.lost(why))
    }

    /// Looks until the command has ended.
    async fn wait(&self, id: &str, stop: &mut watch::Receiver<bool>) -> Result<DocumentEnd, Error> {
        let (mut pause, mut failed, mut seen) = (LOOK_FIRST, 0, String::new());
        let mut cancelled = false;
        loop {
            // Credentials of a role may end before the command does.
            let client = client(self.aws, self.aws.credentials_of(self.context).await?);
            match self.look(&client, id).await {
                Ok(Some(command)) => {
                    failed = 0;
                    self.note_progress(&command, &mut seen);
                    if has_ended(&command) {
                        return if *stop.borrow() {
                            Err(self.stopped(id, &command))
                        } else {
                            Ok(self.end(&client, id, &command).await)
                        };
                    }
                }
                Ok(None) => failed += 1,
                Err(error) if failed >= LOOKS_FAILED_MAX => {
                    return Err(self.lost(&format!("the command {id} was sent, and then {error}")));
                }
                Err(_) => failed += 1,
            }
            if failed > LOOKS_FAILED_MAX {
                return Err(self.lost(&format!("the command {id} was sent, and the service does not list it")));
            }
            let left = retry::time_left(pause, self.context.deadline);
            if (*stop.borrow() || left.is_err()) && !cancelled {
                cancelled = client.cancel_command().command_id(id).send().await.is_ok();
            }
            let Ok(left) = left else { return Err(self.time_over(id)) };
            tokio::select! {
                () = tokio::time::sleep(left) => {}
                // The sender stays as long as this call is known.
                _ = stop.changed(), if !cancelled => {}
            }
            pause = pause.mul_f64(1.5).min(LOOK_MAX);
        }
    }

    /// The command, unless it is not listed yet.
    async fn look(&self, client: &Client, id: &str) -> Result<Option<Command>, Error> {
        let listed = client.list_commands().command_id(id).send().await;
        match listed {
            Ok(listed) => Ok(listed.commands.unwrap_or_default().into_iter().next()),
            Err(error) if code_of(&error) == Some("InvalidCommandId") => Ok(None),
            Err(error) => Err(refused(&format!("looking at the command {id}"), &error)),
        }
    }

    async fn end(&self, client: &Client, id: &str, command: &Command) -> DocumentEnd {
        let status = command.status.as_ref().map_or("Failed", CommandStatus::as_str);
        let nodes = match command.target_count {
            1 => self.only_node(client, id, command).await.into_iter().collect(),
            _ if status == "Success" => Vec::new(),
            _ => self.failed_nodes(client, id).await,
        };
        let count = |number: i32| u32::try_from(number).unwrap_or_default();
        DocumentEnd {
            command_id: id.to_owned(),
            status: status.to_owned(),
            details: command.status_details.clone().unwrap_or_else(|| status.to_owned()),
            targets: count(command.target_count),
            errors: count(command.error_count + command.delivery_timed_out_count),
            nodes,
        }
    }

    /// What the only node says. A document of several steps has no output of its own.
    async fn only_node(&self, client: &Client, id: &str, command: &Command) -> Option<NodeEnd> {
        let node = match command.instance_ids() {
            [only] => only.clone(),
            _ => self.invocations(client, id).await.into_iter().next()?.instance_id?,
        };
        for search in 1..=SEARCHES {
            let asked = client
                .get_command_invocation()
                .command_id(id)
                .instance_id(&node)
                .send()
                .await;
            match asked {
                Ok(end) => {
                    return Some(NodeEnd {
                        node,
                        status: end.status.map_or_else(String::new, |status| status.as_str().to_owned()),
                        response_code: end.response_code,
                        stdout: self.shown(end.standard_output_content),
                        stderr: self.shown(end.standard_error_content),
                    });
                }
                Err(error) if code_of(&error) == Some("InvocationDoesNotExist") && search < SEARCHES => {
                    tokio::time::sleep(SEARCH_PAUSE).await;
                }
                Err(error) => {
                    if code_of(&error) != Some("InvalidPluginName") {
                        self.note(&refused("its output cannot be read", &error).to_string());
                    }
                    break;
                }
            }
        }
        let status = command.status.as_ref().map_or("", CommandStatus::as_str).to_owned();
        let response_code = if status == "Success" { 0 } else { -1 };
        Some(NodeEnd {
            node,
            status,
            response_code,
            ..NodeEnd::default()
        })
    }

    async fn failed_nodes(&self, client: &Client, id: &str) -> Vec<NodeEnd> {
        let invocations = self.invocations(client, id).await.into_iter();
        let ends = invocations.map(|found| {
            let plugin = found.command_plugins.unwrap_or_default().into_iter().next();
            NodeEnd {
                node: found.instance_id.unwrap_or_default(),
                status: found
                    .status
                    .map_or_else(String::new, |status| status.as_str().to_owned()),
                response_code: plugin.as_ref().map_or(-1, |plugin| plugin.response_code),
                stdout: self.shown(plugin.and_then(|plugin| plugin.output)),
                stderr: String::new(),
            }
        });
        ends.filter(|end| end.status != "Success")
            .take(NODES_SHOWN_MAX)
            .collect()
    }

    /// What is known of single nodes, as far as the service tells.
    async fn invocations(&self, client: &Client, id: &str) -> Vec<CommandInvocation> {
        let (mut found, mut next) = (Vec::new(), None);
        for _ in 0..PAGES_MAX {
            let asked = client
                .list_command_invocations()
                .command_id(id)
                .details(true)
                .set_next_token(next);
            match asked.send().await {
                Ok(page) => {
                    found.extend(page.command_invocations.unwrap_or_default());
                    next = page.next_token.filter(|token| !token.is_empty());
                }
                Err(error) => {
                    self.note(&refused("its nodes cannot be listed", &error).to_string());
                    break;
                }
            }
            if next.is_none() {
                break;
            }
        }
        found
    }

    fn note_progress(&self, command: &Command, seen: &mut String) {
        let now = format!(
            "command {}: {}, ended on {} of {} nodes",
            command.command_id.as_deref().unwrap_or_default(),
            command.status.as_ref().map_or("", CommandStatus::as_str),
            command.completed_count,
            command.target_count
        );
        if now != *seen {
            self.note(&now);
            *seen = now;
        }
    }

    fn note(&self, text: &str) {
        self.context.log.line(Level::Info, Stream::Log, text);
    }

    fn shown(&self, text: Option<String>) -> String {
        self.context.secrets.redact(&text.unwrap_or_default())
    }

    fn lost(&self, why: &str) -> Error {
        Error::Uncertain(format!(
            "nobody knows what became of {} on the managed nodes: {why}. Look in the service's list of commands for the \
             remark `{}`, then resume or roll back",
            self.document, self.mark
        ))
    }

    fn stopped(&self, id: &str, command: &Command) -> Error {
        Error::Uncertain(format!(
            "the command {id} ({}) was cancelled because that was asked for, and ended as {} on {} of {} nodes",
            self.document,
            command
                .status_details()
                .or(command.status.as_ref().map(CommandStatus::as_str))
                .unwrap_or("unknown"),
            command.completed_count,
            command.target_count
        ))
    }

    fn time_over(&self, id: &str) -> Error {
        Error::TimedOut(format!(
            "the command {id} ({}) was cancelled because its time was over; what it began on a node may go on there until it \
             notices",
            self.document
        ))
    }
}

/// The id of the command whose remark has this mark.
async fn find(client: &Client, mark: &str, document: &str) -> Result<Option<String>, Error> {
    let by_name = CommandFilter::builder()
        .key(CommandFilterKey::DocumentName)
        .value(document);
    let by_name = by_name.build().expect("key and value are set");
    let mut next = None;
    for _ in 0..PAGES_MAX {
        let asked = client.list_commands().max_results(PAGE).filters(by_name.clone());
        let page = asked.set_next_token(next).send().await;
        let page = page.map_err(|error| refused("looking for it in the list of commands", &error))?;
        let mut commands = page.commands.unwrap_or_default().into_iter();
        if let Some(found) = commands.find(|command| command.comment().is_some_and(|comment| comment.contains(mark))) {
            return Ok(found.command_id);
        }
        next = page.next_token.filter(|token| !token.is_empty());
        if next.is_none() {
            break;
        }
    }
    Ok(None)
}

fn has_ended(command: &Command) -> bool {
    let status = command.status.as_ref().map_or("", CommandStatus::as_str);
    !["", "Pending", "InProgress", "Cancelling"].contains(&status)
}

fn code_of<E: aws_sdk_ssm::error::ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> Option<&str> {
    error.as_service_error().and_then(|error| error.code())
}

fn is_throttled(error: &SdkError<SendCommandError>) -> bool {
    code_of(error).is_some_and(retry::is_throttling)
}

/// Whether the service may have done it although it did not say so.
fn may_have_arrived(error: &SdkError<SendCommandError>) -> bool {
    match error {
        SdkError::ConstructionFailure(_) => false,
        SdkError::DispatchFailure(failure) => !failure.as_connector_error().is_some_and(never_connected),
        SdkError::ServiceError(answer) => answer.raw().status().as_u16() >= 500,
        // Its answer did not come, or cannot be read.
        _ => true,
    }
}

fn never_connected(error: &aws_sdk_ssm::error::ConnectorError) -> bool {
    let source = std::error::Error::source(error);
    source
        .and_then(|source| source.downcast_ref::<reqwest::Error>())
        .is_some_and(reqwest::Error::is_connect)
}
