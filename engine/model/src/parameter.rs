//! A runbook's parameters and variables.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::expression::{Reference, Scope, Template};

/// The types of parameters, variables and outputs of SSM Automation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ParameterType {
    /// A text.
    String,
    /// A list of texts.
    StringList,
    /// A whole number.
    Integer,
    /// True or false.
    Boolean,
    /// A list of maps.
    MapList,
    /// A map.
    StringMap,
    /// An EC2 instance id.
    InstanceId,
    /// An S3 bucket name.
    BucketName,
    /// An IAM role ARN.
    RoleArn,
    /// A list of instance ids.
    InstanceIdList,
    /// A list of bucket names.
    BucketNameList,
    /// A list of role ARNs.
    RoleArnList,
}

impl ParameterType {
    /// All, with their names in documents.
    pub const ALL: [(&'static str, Self); 12] = [
        ("String", Self::String),
        ("StringList", Self::StringList),
        ("Integer", Self::Integer),
        ("Boolean", Self::Boolean),
        ("MapList", Self::MapList),
        ("StringMap", Self::StringMap),
        ("AWS::EC2::Instance::Id", Self::InstanceId),
        ("AWS::S3::Bucket::Name", Self::BucketName),
        ("AWS::IAM::Role::Arn", Self::RoleArn),
        ("List<AWS::EC2::Instance::Id>", Self::InstanceIdList),
        ("List<AWS::S3::Bucket::Name>", Self::BucketNameList),
        ("List<AWS::IAM::Role::Arn>", Self::RoleArnList),
    ];

    /// The name in documents.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, t)| *t == self).map_or("", |(name, _)| name)
    }

    /// Whether a value is carried as a list of texts.
    #[must_use]
    pub fn is_string_list(self) -> bool {
        matches!(
            self,
            Self::StringList | Self::InstanceIdList | Self::BucketNameList | Self::RoleArnList
        )
    }

    /// Whether a value is carried as a text.
    #[must_use]
    pub fn is_string(self) -> bool {
        matches!(self, Self::String | Self::InstanceId | Self::BucketName | Self::RoleArn)
    }
}

/// One parameter of a runbook.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Its type.
    pub parameter_type: ParameterType,
    /// What it is for.
    pub description: Option<String>,
    /// The value when none is given; `None` makes the parameter required. `{{ssm:name}}` texts are
    /// resolved when an execution starts.
    pub default: Option<Value>,
    /// The same with its references, when it refers to other parameters or to the execution, as
    /// `image-{{ SourceId }}-{{ global:DATE }}` does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_template: Option<Template>,
    /// Values (of each item, for lists) that are allowed; all when empty.
    pub allowed_values: Vec<Value>,
    /// A pattern in the Java dialect that must be found in the text (of each item, for lists).
    pub allowed_pattern: Option<String>,
    /// Least number of items.
    pub min_items: Option<u64>,
    /// Largest number of items.
    pub max_items: Option<u64>,
    /// Least number of characters.
    pub min_chars: Option<u64>,
    /// Largest number of characters.
    pub max_chars: Option<u64>,
}

/// What references find in the parameters of an execution: the values bound, and in defaults that refer to something what
/// that is. A value that was given is never searched, nor is one that a default refers to.
pub struct Bound<'a> {
    /// The definitions.
    pub definitions: &'a [Parameter],
    /// The values.
    pub values: &'a Map<String, Value>,
}

impl<'a> Bound<'a> {
    /// The value of a parameter, in which `resolve` replaces the references of its default.
    pub fn value(&self, name: &str, resolve: impl FnOnce(&'a Template) -> Option<Value>) -> Option<Value> {
        let value = self.values.get(name)?;
        match self.template(name, value) {
            Some(template) => resolve(template),
            None => Some(value.clone()),
        }
    }

    fn template(&self, name: &str, value: &Value) -> Option<&'a Template> {
        value.as_str().filter(|text| text.contains("{{"))?;
        let definition = self.definitions.iter().find(|parameter| parameter.name == name)?;
        let in_use = definition.default.as_ref() == Some(value);
        definition.default_template.as_ref().filter(|_| in_use)
    }
}

/// What references in defaults find: parameters as they are bound, and all else where other references find it.
pub struct InDefault<'a> {
    /// The values.
    pub values: &'a Map<String, Value>,
    /// Where other references find theirs.
    pub others: &'a dyn Scope,
}

impl Scope for InDefault<'_> {
    fn lookup(&self, reference: &Reference) -> Option<Value> {
        match reference {
            Reference::Parameter(name) => self.values.get(name).cloned(),
            Reference::Output { .. } | Reference::Variable(_) | Reference::Global(_) | Reference::ExecutionId => {
                self.others.lookup(reference)
            }
        }
    }
}

/// One variable of a runbook.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its type: one of the six basic ones.
    pub variable_type: ParameterType,
    /// What it holds at the start; may refer to parameters.
    pub default: Option<Template>,
    /// What it is for.
    pub description: Option<String>,
}
