//! `aws:runCommand` on nodes of Systems Manager, as far as the stand-in has them: whatever it is sent succeeds, and writes
//! nothing. What happens otherwise is tested with another stand-in, in the command's own tests (`cli/tests/nodes`).

use serde_json::json;

use crate::{World, output, succeeded};

#[tokio::test]
async fn a_document_runs_on_instances_by_id_and_by_tag() {
    let Some(world) = World::open().await else { return };
    let document = r#"
mainSteps:
  - {name: Launch, action: "aws:runInstances", inputs: {ImageId: ami-12c6146b, InstanceType: t2.micro}}
  - {name: Tag, action: "aws:createTags", inputs: {ResourceIds: "{{ Launch.InstanceIds }}", Tags: [{Key: Fleet, Value: nodes}]}}
  - name: ById
    action: aws:runCommand
    inputs:
      DocumentName: AWS-RunShellScript
      InstanceIds: "{{ Launch.InstanceIds }}"
      Comment: patches
      Parameters: {commands: [uptime]}
  - name: ByTag
    action: aws:runCommand
    inputs:
      DocumentName: AWS-ApplyPatchBaseline
      Targets: [{Key: "tag:Fleet", Values: [nodes]}]
      Parameters: {Operation: Scan}
      OutputS3BucketName: logs
  - name: Commands
    action: aws:executeAwsApi
    inputs: {Service: ssm, Api: ListCommands, CommandId: "{{ ById.CommandId }}"}
    outputs:
      - {Name: Comment, Selector: "$.Commands[0].Comment"}
      - {Name: Instances, Selector: "$.Commands[0].InstanceIds", Type: StringList}
"#;
    let view = world.run(document).await;
    succeeded(&view);
    for step in ["ById", "ByTag"] {
        assert_eq!(output(&view, step, "Status"), json!("Success"));
        assert_eq!(output(&view, step, "ResponseCode"), json!(0));
    }
    assert_ne!(output(&view, "ById", "CommandId"), output(&view, "ByTag", "CommandId"));
    let comment = output(&view, "Commands", "Comment");
    assert!(
        comment.as_str().unwrap().starts_with("patches (runwright:"),
        "{comment}"
    );
    // The stand-in takes a command without targets for one to all instances.
    let instances = output(&view, "Commands", "Instances");
    let launched = &output(&view, "Launch", "InstanceIds")[0];
    assert!(instances.as_array().unwrap().contains(launched), "{instances}");
}
