//! The codes of diagnostics, and the page of each.
//!
//! A code is for ever: a rule that goes leaves a hole. To add one, add a line here and write its page in
//! `codes/`: what it means, an example marked `bad` that triggers it, and one marked `good` that does not.

macro_rules! codes {
    ($($name:ident $code:literal)*) => {
        $(pub(crate) const $name: &str = $code;)*

        /// Every code and its page, in Markdown.
        pub const CODES: &[(&str, &str)] = &[$(($code, include_str!(concat!("../codes/", $code, ".md")))),*];
    };
}

codes! {
    TOO_LARGE "RW-C001"
    EMPTY "RW-C002"
    BAD_YAML "RW-C003"
    BAD_JSON "RW-C004"
    TOO_DEEP "RW-C005"
    TOO_MANY_VALUES "RW-C006"
    DUPLICATE_KEY "RW-C007"
    UNSUPPORTED_YAML "RW-C008"
    SCHEMA_VERSION "RW-C009"
    UNKNOWN_KEY "RW-C010"
    MISSING_KEY "RW-C011"
    WRONG_TYPE "RW-C012"
    WRONG_WORD "RW-C013"
    BAD_NAME "RW-C014"
    UNKNOWN_TYPE "RW-C015"
    BAD_DEFAULT "RW-C016"
    BAD_PATTERN "RW-C017"
    DUPLICATE_STEP "RW-C018"
    UNKNOWN_STEP "RW-C019"
    END_AND_NEXT "RW-C020"
    UNKNOWN_ACTION "RW-C021"
    ACTION_NOT_PROVIDED "RW-C022"
    ACTION_REFUSED "RW-C023"
    LIST_KEY_IN_GRAPH "RW-C024"
    BAD_CANCEL "RW-C025"
    TWO_ATTEMPT_COUNTS "RW-C026"
    UNKNOWN_PARAMETER "RW-C027"
    UNKNOWN_SOURCE "RW-C028"
    UNKNOWN_OUTPUT "RW-C029"
    CANNOT_HAVE_RUN "RW-C030"
    UNKNOWN_VARIABLE "RW-C031"
    UNKNOWN_GLOBAL "RW-C032"
    REFERENCE_NOT_ALLOWED "RW-C033"
    LOOKS_LIKE_REFERENCE "RW-C034"
    BAD_SELECTOR "RW-C035"
    DUPLICATE_OUTPUT "RW-C036"
    MISSING_INPUT "RW-C037"
    UNKNOWN_INPUT "RW-C038"
    INPUT_DOES_NOT_FIT "RW-C039"
    REFERENCE_DOES_NOT_FIT "RW-C040"
    BAD_CONDITION "RW-C041"
    OPERATOR_DOES_NOT_FIT "RW-C042"
    ENDLESS_LOOP "RW-C043"
    DEPENDENCY_CYCLE "RW-C044"
    UNREACHABLE "RW-C045"
    TOO_MANY_STEPS "RW-C046"
    BAD_PLUGIN "RW-C047"
    PLUGIN_SOURCE "RW-C048"
    CANNOT_ROLL_BACK "RW-C049"
    NOT_AWS "RW-C050"
    BAD_LOOP "RW-C051"
    BAD_PRECONDITION "RW-C052"
    PLUGIN_NOT_HERE "RW-C053"
}
