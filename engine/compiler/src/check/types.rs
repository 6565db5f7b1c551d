//! What is known of the type of a reference before anything runs.

use runwright_model::{
    expression::Reference,
    parameter::ParameterType,
    schema::{Additional, Kind, Schema},
    step::{Repeat, StepKind},
};

use crate::{draft::Draft, known};

/// A static type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Type {
    /// The kind of the value.
    pub(crate) kind: Kind,
    /// The kind of its items, for a list.
    pub(crate) item: Option<Kind>,
}

/// What is known of an output.
pub(crate) enum Output<'d> {
    /// It is there, with this type.
    Typed(Type),
    /// It may be there.
    Unknown,
    /// It is not; these are.
    Missing(Vec<&'d str>),
}

impl Type {
    pub(crate) fn of(parameter_type: ParameterType) -> Self {
        use ParameterType as P;
        let (kind, item) = match parameter_type {
            P::String | P::InstanceId | P::BucketName | P::RoleArn => (Kind::String, None),
            P::Integer => (Kind::Integer, None),
            P::Boolean => (Kind::Boolean, None),
            P::StringMap => (Kind::Object, None),
            P::StringList | P::InstanceIdList | P::BucketNameList | P::RoleArnList => (Kind::Array, Some(Kind::String)),
            P::MapList => (Kind::Array, Some(Kind::Object)),
        };
        Self { kind, item }
    }

    fn of_schema(schema: &Schema) -> Option<Self> {
        let item = schema.items.as_ref().and_then(|items| items.kind);
        schema.kind.map(|kind| Self { kind, item })
    }

    /// What it is, for messages.
    pub(crate) fn describe(self) -> &'static str {
        match (self.kind, self.item) {
            (Kind::String, _) => "a text",
            (Kind::Integer, _) => "a whole number",
            (Kind::Number, _) => "a number",
            (Kind::Boolean, _) => "a Boolean",
            (Kind::Object, _) => "a map",
            (Kind::Array, Some(Kind::String)) => "a list of texts",
            (Kind::Array, Some(Kind::Object)) => "a list of maps",
            (Kind::Array, _) => "a list",
        }
    }
}

/// The type of what a reference stands for, if it is known.
pub(crate) fn of_reference(draft: &Draft<'_>, reference: &Reference) -> Option<Type> {
    match reference {
        Reference::Parameter(name) => draft.parameters.get(name.as_str()).map(|p| Type::of(p.parameter_type)),
        Reference::Variable(name) => draft.variables.get(name.as_str()).map(|v| Type::of(v.variable_type)),
        Reference::Global(_) | Reference::ExecutionId => Some(Type {
            kind: Kind::String,
            item: None,
        }),
        Reference::Output { step, output: name } => match output(draft, *draft.names.get(step.as_str())?, name) {
            Output::Typed(found) => Some(found),
            Output::Unknown | Output::Missing(_) => None,
        },
    }
}

/// What is known of a step's output: its own first, then those of its action.
pub(crate) fn output<'d>(draft: &'d Draft<'_>, index: usize, name: &str) -> Output<'d> {
    let step = &draft.steps[index];
    if let Some(own) = step.outputs.iter().find(|output| output.name == name) {
        return Output::Typed(Type::of(own.output_type));
    }
    let own = step.outputs.iter().map(|output| output.name.as_str());
    match &step.kind {
        StepKind::Branch { .. } if name == "NextStep" => Output::Typed(Type {
            kind: Kind::String,
            item: None,
        }),
        StepKind::Branch { .. } => Output::Missing(own.chain(["NextStep"]).collect()),
        StepKind::UpdateVariable { .. } | StepKind::Target { .. } => Output::Missing(own.collect()),
        StepKind::Loop { repeat, .. } => of_loop(repeat, name, own),
        StepKind::Action { action, .. } => match draft.catalog.actions.get(action).map(|spec| &spec.manifest.outputs) {
            None => Output::Unknown,
            Some(_) if name == "OutputPayload" && known::WITH_PAYLOAD.contains(&action.as_str()) => Output::Unknown,
            Some(schema) => match schema.properties.get(name) {
                Some(property) => Type::of_schema(property).map_or(Output::Unknown, Output::Typed),
                None if is_open(schema) => Output::Unknown,
                None => Output::Missing(own.chain(schema.properties.keys().map(String::as_str)).collect()),
            },
        },
    }
}

/// The outputs of a loop, which the steps of its body see too.
fn of_loop<'d>(repeat: &Repeat, name: &str, own: impl Iterator<Item = &'d str>) -> Output<'d> {
    let value = match repeat {
        Repeat::Each { item_type, .. } => Some(Type::of(*item_type)),
        Repeat::While(_) => None,
    };
    match (name, value) {
        ("CurrentIteration", _) => Output::Typed(Type::of(ParameterType::Integer)),
        ("CurrentIteratorValue", Some(value)) => Output::Typed(value),
        (_, Some(_)) => Output::Missing(own.chain(["CurrentIteration", "CurrentIteratorValue"]).collect()),
        (_, None) => Output::Missing(own.chain(["CurrentIteration"]).collect()),
    }
}

/// Whether an action may have outputs that its schema does not name.
fn is_open(schema: &Schema) -> bool {
    match &schema.additional_properties {
        Some(Additional::Allowed(allowed)) => *allowed,
        Some(Additional::Shape(_)) => true,
        None => schema.properties.is_empty(),
    }
}

/// Whether a value of this type can have the kind, perhaps converted: SSM's substitution rules.
pub(crate) fn can_become(given: Kind, wanted: Kind) -> bool {
    match wanted {
        // A scalar becomes a list of one.
        Kind::Array => true,
        Kind::String => !matches!(given, Kind::Array | Kind::Object),
        Kind::Integer | Kind::Number => matches!(given, Kind::Integer | Kind::Number | Kind::String),
        Kind::Boolean => matches!(given, Kind::Boolean | Kind::String),
        // A text may be the JSON of a map.
        Kind::Object => matches!(given, Kind::Object | Kind::String),
    }
}
