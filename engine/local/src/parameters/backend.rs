//! The parameter store as a capability.

use runwright_model::capability::{
    Answer, CallContext, Outcome,
    parameters::{self, Request},
};

use super::{ParameterStore, Put};

impl ParameterStore {
    pub(crate) async fn perform(&self, request: Request, context: CallContext) -> Outcome {
        let answer = match request {
            Request::Get { name } => parameters::Answer::Parameter(self.get(&name).await?),
            Request::GetByPath { path, recursive } => {
                let found = self.get_by_path(&path, recursive).await?;
                context.grants.check_found(&found)?;
                parameters::Answer::Parameters(found)
            }
            Request::Put {
                name,
                parameter_type,
                value,
                overwrite,
            } => {
                let key = Some(context.idempotency_key.as_str());
                let secrets = context.secrets.clone();
                let put = Put {
                    name: &name,
                    parameter_type,
                    value,
                    overwrite,
                    idempotency_key: key,
                    secrets,
                };
                parameters::Answer::Parameter(self.put(put).await?)
            }
            Request::Delete { name } => {
                self.delete(&name).await?;
                return Ok(Answer::Done);
            }
            Request::History { name } => parameters::Answer::Parameters(self.history(&name).await?),
            Request::Label { name, version, label } => {
                self.label(&name, version, &label).await?;
                return Ok(Answer::Done);
            }
            Request::Reveal { placeholder } => {
                parameters::Answer::Revealed(self.reveal(&placeholder).await?.to_string())
            }
        };
        Ok(Answer::Parameters(answer))
    }
}
