//! Time, memory, tables and stack.

use super::{assert_beaten, assert_refused, assert_stopped_by, limits};
use crate::{
    common::{Script, host_with},
    guest::{Guest, with_memories},
};

const FOR_EVER: &str = "(loop $again (br $again)) (unreachable)";

#[tokio::test]
async fn a_loop_before_anything_is_called() {
    let guest = Guest::new().items("(func $start (loop $again (br $again))) (start $start)");
    let failure = assert_stopped_by(&guest, "call-cpu-ms").await;
    assert!(failure.message.contains("- start"), "the place: {}", failure.message);
}

#[tokio::test]
async fn a_loop_in_run_names_its_function() {
    let guest = Guest::new()
        .items("(func $busy_waiting (loop $again (br $again)))")
        .run("(call $busy_waiting) (unreachable)");
    let failure = assert_stopped_by(&guest, "call-cpu-ms").await;
    assert!(failure.message.contains("busy_waiting"), "{}", failure.message);
    let details = failure.details.unwrap();
    assert!(details["used"].as_u64().unwrap() >= 2_000, "{details}");
    assert_eq!(
        (&details["function"], &details["action"]),
        (&"run".into(), &"t:act".into())
    );
}

#[tokio::test]
async fn loops_where_the_runtime_calls() {
    assert_stopped_by(&Guest::new().realloc(FOR_EVER), "call-cpu-ms").await;
    assert_stopped_by(&Guest::new().post(FOR_EVER), "call-cpu-ms").await;
}

#[tokio::test]
async fn functions_that_call_each_other_for_ever_without_a_stack() {
    let guest = Guest::new()
        .items("(func $a (result i32) (return_call $b)) (func $b (result i32) (return_call $a))")
        .run("(call $a)");
    assert_stopped_by(&guest, "call-cpu-ms").await;
}

#[tokio::test]
async fn a_loop_while_it_describes_itself() {
    let host = host_with(limits());
    let component = host.load(Guest::new().describe(FOR_EVER).component()).await.unwrap();
    let error = host.describe(&component).await.unwrap_err();
    assert_eq!(error.code(), "RW-H012");
    let said = error.to_string();
    for part in ["Limit `call-cpu-ms` exceeded", "`describe` of the plugin", "2000 ms"] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[tokio::test]
async fn an_end_after_the_end() {
    assert_beaten(&Guest::new().post("(unreachable)"), "RW-H014", "gave up").await;
}

#[tokio::test]
async fn memory_without_end() {
    let grow = "(loop $again (br_if $again (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) (unreachable)";
    let start = Guest::new().items(&format!("(func $start {grow}) (start $start)"));
    let failure = assert_stopped_by(&start, "memory-bytes").await;
    assert!(
        failure.message.contains("16777216 bytes (16.0 MiB) are allowed"),
        "{}",
        failure.message
    );
    assert_stopped_by(&Guest::new().run(grow), "memory-bytes").await;
    let at_once = "(drop (memory.grow (i32.const 65000))) (unreachable)";
    assert_stopped_by(&Guest::new().run(at_once), "memory-bytes").await;
}

#[tokio::test]
async fn memory_that_is_there_from_the_beginning() {
    let guest = Guest::new().memory("65536 65536");
    assert_refused(guest.component(), "RW-H031", "memory").await;
    let many = Guest::new().items(&"(memory 1)".repeat(50));
    assert_refused(many.component(), "RW-H031", "memories").await;
    assert_refused(with_memories(&Guest::new().component(), 4), "RW-H031", "memories").await;
}

#[tokio::test]
async fn tables_without_end() {
    let guest = Guest::new().items("(table $t 1 funcref)").run(
        "(loop $again (br_if $again (i32.ne (table.grow $t (ref.null func) (i32.const 5000)) (i32.const -1))))
         (unreachable)",
    );
    assert_stopped_by(&guest, "table-elements").await;
    let large = Guest::new().items("(table 10000000 funcref)");
    assert_refused(large.component(), "RW-H031", "table").await;
    let many = Guest::new().items(&"(table 1 funcref)".repeat(90));
    assert_refused(many.component(), "RW-H031", "tables").await;
}

#[tokio::test]
async fn a_function_that_calls_itself() {
    let guest = Guest::new()
        .items("(func $deeper (param i32) (result i32) (i32.add (call $deeper (local.get 0)) (i32.const 1)))")
        .run("(call $deeper (i32.const 1))");
    let failure = assert_stopped_by(&guest, "stack-bytes").await;
    assert!(failure.message.contains("deeper"), "{}", failure.message);
    let start = Guest::new().items("(func $start (call $start)) (start $start)");
    assert_stopped_by(&start, "stack-bytes").await;
}

#[tokio::test]
async fn many_hungry_instances_leave_room_for_others() {
    use runwright_host::{Host, Options};
    use runwright_model::invocation::{Invocation, Invoker};
    use serde_json::json;

    use crate::common::{invocation, options, outputs, run};

    // Each has as many memories as there are in the pool of two calls.
    let hungry = with_memories(&Guest::new().component(), 3);
    let host = Host::new(Options {
        instances: 2,
        ..options(limits())
    })
    .unwrap();
    let component = host.load(hungry).await.unwrap();
    let calls: Vec<_> = (0..8)
        .map(|number| {
            let host = host.clone();
            tokio::spawn(async move {
                if number % 2 == 1 {
                    return outputs(run(&host, &Script::done(), json!({"do": "echo"})).await);
                }
                let hungry = Invocation {
                    component,
                    ..invocation(json!({}))
                };
                outputs(host.invoke(hungry, Script::done()).await)
            })
        })
        .collect();
    for call in calls {
        call.await.unwrap();
    }
}
