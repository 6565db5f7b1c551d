//! The answer to each call, in the process that holds the store. The only place where calls become deeds.

use std::{collections::BTreeMap, sync::Arc};

use runwright_executor::migrate;
use runwright_model::{
    digest::Digest,
    event::{Mode, Started},
    id::ExecutionId,
    log::LogLine,
    plan::Plan,
    status::Status,
};
use runwright_store::Page;
use serde_json::{Map, Value};

use crate::{
    Error, Until, bind,
    call::{Answer, Asked, Begin, Call},
    holder::Holder,
    place::{LOCAL_ACCOUNT, LOCAL_PARTITION, LOCAL_REGION, Place},
    show,
    view::{ExecutionRow, ExecutionView},
};

impl Holder {
    /// Does what is asked, in the name of this user.
    pub(crate) async fn answer(&self, asked: &Asked, by: &str) -> Result<Answer, Error> {
        match &asked.call {
            Call::Start {
                id,
                plan,
                parameters,
                targets,
                mode,
                place,
            } => {
                let (plan, parameters) = match targets {
                    Some(targets) => bind::targets(plan, parameters.clone(), targets, &self.parameters).await?,
                    None => {
                        let bound = bind::parameters(plan, parameters.clone(), &self.parameters).await?;
                        (plan.clone(), bound)
                    }
                };
                let started = Started {
                    mode: *mode,
                    ..started(&plan, parameters, by, self.globals(place).await?)
                };
                Ok(self.start(id, plan, started).await?.into())
            }
            Call::Keep { component } => Ok(self.pin.keep(component).await?.into()),
            Call::Length { id } => Ok(self.store.head(id).await?.map(|head| head.length).into()),
            Call::Show { id } => Ok(Box::new(self.show(id).await?).into()),
            Call::List { status, most } => Ok(self.rows(*most, status.iter().copied().collect()).await?.into()),
            Call::Unfinished => Ok(self.unfinished().await?.into()),
            Call::Logs { id, from, most } => Ok(self.logs(id, *from, *most).await?.into()),
            Call::Changed { id, seen } => Ok(self.executor.changed(id, *seen).await.into()),
            Call::Wait { id, until } => Ok(Box::new(self.wait(id, *until).await?).into()),
            Call::Resume { id } => Ok(self.executor.resume(id).await?.into()),
            Call::Tell { id, since, word } => {
                let since = asked.again.then_some(*since);
                Ok(self.tell(id, word, by, since).await?.into())
            }
            Call::Hold { what, reason } => {
                self.executor.hold(what.clone(), by.to_owned(), reason.clone()).await?;
                Ok(().into())
            }
            Call::Release { what } => Ok(self.release(what, by, asked.again).await?.into()),
            Call::Holds => Ok(self.executor.holds().into()),
            Call::Why { id } => Ok(Box::new(self.why(id).await?).into()),
            Call::Rerun { of, id } => Ok(self.rerun(of, id, by).await?.into()),
            Call::Misfits { id, plan } => Ok(migrate::misfits(&self.executor.state(id).await?, plan).into()),
            Call::Parameter(call) => Ok(self.parameters.answer(call, asked.again).await?),
        }
    }

    /// Where an execution runs, in the language's own terms: in an account, or on one's own machine.
    async fn globals(&self, place: &Place) -> Result<BTreeMap<String, String>, Error> {
        let (region, account, partition) = match &self.aws {
            Some(aws) => (aws.region().to_owned(), aws.account().await?, aws.partition()),
            None => (LOCAL_REGION.to_owned(), LOCAL_ACCOUNT.to_owned(), LOCAL_PARTITION),
        };
        let mut globals = BTreeMap::from([
            ("REGION".to_owned(), region),
            ("ACCOUNT_ID".to_owned(), account),
            ("AWS_PARTITION".to_owned(), partition.to_owned()),
        ]);
        place.note(&mut globals);
        Ok(globals)
    }

    async fn start(&self, id: &ExecutionId, plan: Arc<Plan>, started: Started) -> Result<Begin, Error> {
        let lacking = self.pin.components(&plan).await?;
        if !lacking.is_empty() {
            return Ok(Begin::Lacks(lacking));
        }
        let existing = self.executor.start(id.clone(), plan, started).await?;
        Ok(Begin::Begun { existing })
    }

    /// Starts the plan and the parameters of another execution: those it began with, whatever became of the file.
    async fn rerun(&self, of: &ExecutionId, id: &ExecutionId, by: &str) -> Result<Begin, Error> {
        let state = self.executor.state(of).await?;
        let started = Started {
            by: by.to_owned(),
            parent: None,
            rerun_of: Some(of.clone()),
            ..state.started
        };
        let existing = self.executor.start(id.clone(), state.plan, started).await?;
        Ok(Begin::Begun { existing })
    }

    async fn show(&self, id: &ExecutionId) -> Result<ExecutionView, Error> {
        Ok(show::execution(&self.executor.state(id).await?))
    }

    async fn rows(&self, most: usize, statuses: Vec<Status>) -> Result<Vec<ExecutionRow>, Error> {
        const PAGE: usize = 1_000;
        let mut rows = Vec::new();
        let mut before = None;
        while rows.len() < most {
            let page = self
                .store
                .list(Page {
                    before: before.take(),
                    most: PAGE.min(most - rows.len()),
                    statuses: statuses.clone(),
                })
                .await?;
            let Some((last, _)) = page.last() else { break };
            before = Some(last.clone());
            rows.extend(page.into_iter().map(|(id, head)| show::row(id, head.summary)));
        }
        Ok(rows)
    }

    async fn unfinished(&self) -> Result<Vec<ExecutionRow>, Error> {
        let unfinished = Status::ALL.into_iter().filter(|status| !status.is_final());
        let mut rows = self.rows(usize::MAX, unfinished.collect()).await?;
        rows.sort_by_key(|row| row.started_at);
        Ok(rows)
    }

    async fn logs(&self, id: &ExecutionId, from: u64, most: usize) -> Result<Vec<(u64, LogLine)>, Error> {
        self.executor.flush_logs().await;
        if self.store.head(id).await?.is_none() {
            return Err(Error::NoExecution(id.to_string()));
        }
        Ok(self.store.read_log(id, from, most).await?)
    }

    async fn wait(&self, id: &ExecutionId, until: Until) -> Result<ExecutionView, Error> {
        self.executor.resume(id).await?;
        self.executor.wait(id, until == Until::NeedsPerson).await?;
        self.show(id).await
    }
}

pub(crate) fn started(
    plan: &Plan,
    parameters: Map<String, Value>,
    by: &str,
    globals: BTreeMap<String, String>,
) -> Started {
    Started {
        plan: plan.digest(),
        runbook: plan.name.clone(),
        request: Digest::of_json(&parameters),
        parameters,
        by: by.to_owned(),
        globals,
        parent: None,
        secrets: Vec::new(),
        rerun_of: None,
        mode: Mode::Auto,
    }
}
