//! How a plugin describes itself.

use crate::{Action, Impact, Manifest, Shape, Want, schema::Schema};

impl Manifest {
    /// An action with no inputs, no outputs and no capabilities, that changes something and offers no
    /// rollback. Say more with the methods below.
    #[must_use]
    pub fn new(action: &str, version: &str, description: &str) -> Self {
        Self {
            action: action.to_owned(),
            version: version.to_owned(),
            description: description.to_owned(),
            inputs: crate::schema::object().to_string(),
            outputs: crate::schema::object().to_string(),
            capabilities: Vec::new(),
            rollback: false,
            impact: Impact::Mutating,
        }
    }

    /// The same with inputs and outputs as their types say: those of `A`.
    ///
    /// ```
    /// # use runwright_sdk::{Action, Context, Failure, Host, Manifest, Shape};
    /// # struct Drain;
    /// #[derive(serde::Deserialize, Shape)]
    /// struct Inputs {
    ///     /// Which node.
    ///     node: String,
    /// }
    /// # impl Action for Drain {
    /// #     type Inputs = Inputs;
    /// #     type Outputs = ();
    /// fn manifest() -> Manifest {
    ///     Manifest::of::<Self>("acme:drain", "1.0.0", "Drains a node.")
    /// }
    /// #     fn run(_: &impl Host, _: &Context, _: Inputs) -> Result<(), Failure> { Ok(()) }
    /// # }
    /// assert!(Drain::manifest().inputs.contains("Which node."));
    /// ```
    #[must_use]
    pub fn of<A>(action: &str, version: &str, description: &str) -> Self
    where
        A: Action,
        A::Inputs: Shape,
        A::Outputs: Shape,
    {
        Self::new(action, version, description)
            .inputs(A::Inputs::schema())
            .outputs(A::Outputs::schema())
    }

    /// With these inputs.
    #[must_use]
    pub fn inputs(mut self, schema: Schema) -> Self {
        self.inputs = schema.to_string();
        self
    }

    /// With these outputs.
    #[must_use]
    pub fn outputs(mut self, schema: Schema) -> Self {
        self.outputs = schema.to_string();
        self
    }

    /// With a capability, named as in `wit/`, and the reason an operator reads before granting it.
    #[must_use]
    pub fn wants(mut self, capability: &str, why: &str) -> Self {
        self.capabilities.push(Want {
            capability: capability.to_owned(),
            why: why.to_owned(),
        });
        self
    }

    /// Doing this to the world.
    #[must_use]
    pub fn impact(mut self, impact: Impact) -> Self {
        self.impact = impact;
        self
    }

    /// Offering rollback.
    #[must_use]
    pub fn undoes(mut self) -> Self {
        self.rollback = true;
        self
    }
}
