//! A stand-in for Systems Manager that runs what it is sent: JSON 1.1 over HTTP, and nodes that are this machine.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    sync::{Arc, Condvar, Mutex},
    thread,
};

use serde_json::{Value, json};

/// The nodes there are. Both have the tag `Role` with the value `web`.
pub(crate) const NODES: [&str; 2] = ["i-00000000000000001", "i-00000000000000002"];

/// The service, while this value lives.
#[derive(Clone)]
pub(crate) struct Service(Arc<Inner>);

struct Inner {
    address: String,
    state: Mutex<State>,
    changed: Condvar,
}

/// What it knows, and what it is to do wrong.
#[derive(Default)]
pub(crate) struct State {
    commands: Vec<Sent>,
    /// Every request: its operation and its body.
    pub(crate) requests: Vec<(String, Value)>,
    /// The access key of the last request of each operation.
    pub(crate) signed_by: BTreeMap<String, String>,
    /// How many times an operation is still answered with an error code instead.
    pub(crate) faults: BTreeMap<String, (u32, &'static str)>,
    /// How many commands are still carried out without an answer.
    pub(crate) unanswered: u32,
}

struct Sent {
    id: String,
    request: Value,
    nodes: BTreeMap<String, End>,
}

/// How it stands with a command on a node.
#[derive(Clone, Default)]
struct End {
    process: Option<u32>,
    status: &'static str,
    code: i32,
    stdout: String,
    stderr: String,
}

impl Service {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let service = Self(Arc::new(Inner {
            address: format!("http://{}", listener.local_addr().unwrap()),
            state: Mutex::default(),
            changed: Condvar::new(),
        }));
        let serving = service.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let serving = serving.clone();
                thread::spawn(move || serving.serve(stream.unwrap()));
            }
        });
        service
    }

    /// How a process finds it.
    pub(crate) fn environment(&self) -> [(&'static str, String); 6] {
        [
            ("RUNWRIGHT_AWS", "1".to_owned()),
            ("AWS_ENDPOINT_URL", self.0.address.clone()),
            ("AWS_REGION", "eu-north-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE".to_owned()),
            (
                "AWS_SECRET_ACCESS_KEY",
                "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY".to_owned(),
            ),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ]
    }

    /// Looks at it, or tells it what to do wrong.
    pub(crate) fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.0.state.lock().unwrap())
    }

    /// Waits until it was asked for this operation so many times.
    pub(crate) fn asked(&self, operation: &str, times: usize) {
        let state = self.0.state.lock().unwrap();
        let missing = |state: &mut State| state.count(operation) < times;
        drop(self.0.changed.wait_while(state, missing).unwrap());
    }

    fn serve(&self, stream: TcpStream) {
        let mut reader = BufReader::new(stream);
        let (mut target, mut key, mut length) = (String::new(), String::new(), 0);
        for line in reader
            .by_ref()
            .lines()
            .map(Result::unwrap)
            .take_while(|line| !line.is_empty())
        {
            let (name, value) = line.split_once(':').unwrap_or((&line, ""));
            match name.to_ascii_lowercase().as_str() {
                "x-amz-target" => value.trim().clone_into(&mut target),
                "authorization" => signer(value).clone_into(&mut key),
                "content-length" => length = value.trim().parse().unwrap(),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let Some((_, operation)) = target.split_once('.') else {
            let assumes = String::from_utf8_lossy(&body).contains("Action=AssumeRole");
            return respond(reader.into_inner(), 200, "text/xml", if assumes { ROLE } else { WHO });
        };
        self.with(|state| state.signed_by.insert(operation.to_owned(), key));
        match self.answer(operation, &serde_json::from_slice(&body).unwrap()) {
            Some(Ok(answer)) => respond(reader.into_inner(), 200, JSON, &answer.to_string()),
            Some(Err(code)) => {
                let error = json!({"__type": code, "message": format!("said the stand-in to {operation}")});
                respond(reader.into_inner(), 400, JSON, &error.to_string());
            }
            None => {}
        }
    }

    /// `None` for no answer at all.
    fn answer(&self, operation: &str, asked: &Value) -> Option<Result<Value, &'static str>> {
        let mut state = self.0.state.lock().unwrap();
        state.requests.push((operation.to_owned(), asked.clone()));
        self.0.changed.notify_all();
        if let Some((left, code)) = state.faults.get_mut(operation).filter(|(left, _)| *left > 0) {
            *left -= 1;
            return Some(Err(code));
        }
        let answered = match operation {
            "SendCommand" => self.send(&mut state, asked),
            "ListCommands" => Ok(json!({"Commands": state.listed(asked)})),
            "CancelCommand" => Ok(state.cancel(asked)),
            "GetCommandInvocation" => state.invocation(asked),
            "ListCommandInvocations" => Ok(state.invocations(asked)),
            _ => Err("UnknownOperationException"),
        };
        if operation == "SendCommand" && state.unanswered > 0 {
            state.unanswered -= 1;
            return None;
        }
        Some(answered)
    }

    fn send(&self, state: &mut State, asked: &Value) -> Result<Value, &'static str> {
        let nodes: Vec<String> = match (&asked["InstanceIds"], &asked["Targets"][0]) {
            (Value::Array(ids), _) => ids.iter().map(|id| id.as_str().unwrap().to_owned()).collect(),
            (_, tag) if tag["Key"] == "tag:Role" => NODES.map(str::to_owned).to_vec(),
            _ => Vec::new(),
        };
        if nodes.is_empty() || !nodes.iter().all(|node| NODES.contains(&node.as_str())) {
            return Err("InvalidInstanceId");
        }
        let id = format!("00000000-0000-4000-8000-{:012}", state.commands.len() + 1);
        let ends = nodes.iter().map(|node| (node.clone(), End::default())).collect();
        let index = state.commands.len();
        state.commands.push(Sent {
            id: id.clone(),
            request: asked.clone(),
            nodes: ends,
        });
        for node in nodes {
            let child = begin(asked);
            let end = state.commands[index].nodes.get_mut(&node).unwrap();
            (end.process, end.status) = (Some(child.id()), "InProgress");
            let service = self.clone();
            thread::spawn(move || service.follow(index, &node, child));
        }
        Ok(json!({"Command": state.commands[index].shown()}))
    }

    fn follow(&self, index: usize, node: &str, child: Child) {
        let output = child.wait_with_output().unwrap();
        let mut state = self.0.state.lock().unwrap();
        let end = state.commands[index].nodes.get_mut(node).unwrap();
        end.process = None;
        end.code = output.status.code().unwrap_or(-1);
        end.stdout = String::from_utf8(output.stdout).unwrap();
        end.stderr = String::from_utf8(output.stderr).unwrap();
        end.status = match end.code {
            _ if end.status == "Cancelling" => "Cancelled",
            0 => "Success",
            124 => "TimedOut",
            _ => "Failed",
        };
        self.0.changed.notify_all();
    }
}

const JSON: &str = "application/x-amz-json-1.1";
const WHO: &str = "<GetCallerIdentityResponse><GetCallerIdentityResult><Account>123456789012</Account>\
                   </GetCallerIdentityResult></GetCallerIdentityResponse>";

const ROLE: &str = "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIAROLE</AccessKeyId>\
                    <SecretAccessKey>role</SecretAccessKey><SessionToken>role</SessionToken>\
                    <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>";

/// The access key of a request's signature: `AWS4-HMAC-SHA256 Credential=KEY/…`.
fn signer(authorization: &str) -> &str {
    let (_, credential) = authorization.split_once("Credential=").unwrap();
    credential.split('/').next().unwrap()
}

/// What AWS-RunShellScript does. `timeout` ends with 124 when the time is over.
fn begin(asked: &Value) -> Child {
    let text = |name: &str| asked["Parameters"][name][0].as_str().unwrap_or_default().to_owned();
    let lines: Vec<&str> = asked["Parameters"]["commands"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let folder = Some(text("workingDirectory")).filter(|path| !path.is_empty());
    let seconds = Some(text("executionTimeout")).filter(|time| !time.is_empty());
    Command::new("timeout")
        .args([&seconds.unwrap_or("3600".to_owned()), "sh", "-c", &lines.join("\n")])
        .current_dir(folder.unwrap_or("/".to_owned()))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn respond(mut stream: TcpStream, status: u16, kind: &str, body: &str) {
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    // Whoever was killed does not listen any more.
    let _ = stream.write_all((head + body).as_bytes());
}

impl State {
    pub(crate) fn count(&self, operation: &str) -> usize {
        self.requests.iter().filter(|(name, _)| name == operation).count()
    }

    /// What was sent.
    pub(crate) fn sent(&self) -> Vec<Value> {
        self.commands.iter().map(|sent| sent.request.clone()).collect()
    }

    fn listed(&self, asked: &Value) -> Vec<Value> {
        let wanted = |sent: &&Sent| asked.get("CommandId").is_none_or(|id| *id == sent.id.as_str());
        self.commands.iter().filter(wanted).map(Sent::shown).collect()
    }

    fn of(&self, asked: &Value) -> &Sent {
        self.commands
            .iter()
            .find(|sent| asked["CommandId"] == sent.id.as_str())
            .unwrap()
    }

    fn cancel(&mut self, asked: &Value) -> Value {
        let sent = self
            .commands
            .iter_mut()
            .find(|sent| asked["CommandId"] == sent.id.as_str())
            .unwrap();
        for end in sent.nodes.values_mut() {
            if let Some(process) = end.process {
                end.status = "Cancelling";
                Command::new("kill").arg(process.to_string()).status().unwrap();
            }
        }
        json!({})
    }

    fn invocation(&self, asked: &Value) -> Result<Value, &'static str> {
        let node = asked["InstanceId"].as_str().unwrap();
        let end = self.of(asked).nodes.get(node).ok_or("InvocationDoesNotExist")?;
        Ok(json!({
            "CommandId": asked["CommandId"], "InstanceId": node, "Status": end.status, "StatusDetails": end.status,
            "ResponseCode": end.code, "StandardOutputContent": end.stdout, "StandardErrorContent": end.stderr,
        }))
    }

    fn invocations(&self, asked: &Value) -> Value {
        let sent = self.of(asked);
        let shown = sent.nodes.iter().map(|(node, end)| {
            json!({
                "CommandId": sent.id, "InstanceId": node, "Status": end.status,
                "CommandPlugins": [{"Name": "aws:runShellScript", "ResponseCode": end.code, "Output": end.stdout}],
            })
        });
        json!({"CommandInvocations": shown.collect::<Vec<_>>()})
    }
}

impl Sent {
    /// As the service lists it: the nodes of a command that was sent to tags are not named.
    fn shown(&self) -> Value {
        let ends = |status: &str| self.nodes.values().filter(|end| end.status == status).count();
        let ended = ends("Success") + ends("Failed") + ends("TimedOut") + ends("Cancelled");
        let status = if ended < self.nodes.len() {
            "InProgress"
        } else {
            let bad = ["Cancelled", "TimedOut", "Failed"];
            bad.into_iter().find(|status| ends(status) > 0).unwrap_or("Success")
        };
        json!({
            "CommandId": self.id, "Comment": self.request["Comment"], "DocumentName": self.request["DocumentName"],
            "InstanceIds": self.request.get("InstanceIds").unwrap_or(&json!([])), "Status": status, "StatusDetails": status,
            "TargetCount": self.nodes.len(), "CompletedCount": ended, "ErrorCount": ended - ends("Success"),
        })
    }
}
