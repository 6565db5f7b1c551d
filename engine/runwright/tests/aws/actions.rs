//! The AWS API actions.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
};

use runwright::model::status::Status;
use serde_json::json;

use crate::{World, output, succeeded};

#[tokio::test]
async fn instances_and_images() {
    let Some(world) = World::open().await else { return };
    let document = r#"
mainSteps:
  - {name: Launch, action: "aws:runInstances", inputs: {ImageId: ami-12c6146b, InstanceType: t2.micro}}
  - {name: Stop, action: "aws:changeInstanceState", inputs: {InstanceIds: "{{ Launch.InstanceIds }}", DesiredState: stopped}}
  - name: Assert
    action: aws:assertAwsResourceProperty
    inputs:
      Service: EC2
      Api: DescribeInstances
      InstanceIds: "{{ Launch.InstanceIds }}"
      PropertySelector: "$.Reservations[0].Instances[0].State.Name"
      DesiredValues: [stopped]
  - name: Untagged
    action: aws:assertAwsResourceProperty
    inputs: {Service: ec2, Api: DescribeTags, Filters: [{Name: key, Values: [Busy]}], PropertySelector: $.Tags, DesiredValues: ["[]"]}
  - {name: Start, action: "aws:changeInstanceState", inputs: {InstanceIds: "{{ Launch.InstanceIds }}", DesiredState: running}}
  - name: Wait
    action: aws:waitForAwsResourceProperty
    inputs:
      Service: ec2
      Api: DescribeInstanceStatus
      InstanceIds: "{{ Launch.InstanceIds }}"
      PropertySelector: "$..InstanceState.Name"
      DesiredValues: [running]
  - {name: Tag, action: "aws:createTags", inputs: {ResourceIds: "{{ Launch.InstanceIds }}", Tags: [{Key: Team, Value: ops}]}}
  - name: Look
    action: aws:executeAwsApi
    inputs: {Service: ec2, Api: DescribeInstances, Filters: [{Name: "tag:Team", Values: [ops]}]}
    outputs:
      - {Name: Id, Selector: "$.Reservations[0].Instances[0].InstanceId", Type: String}
  - {name: Image, action: "aws:createImage", inputs: {InstanceId: "{{ Look.Id }}", ImageName: "one-{{ automation:EXECUTION_ID }}", NoReboot: true}}
  - name: Copy
    action: aws:copyImage
    inputs: {SourceRegion: eu-north-1, SourceImageId: "{{ Image.ImageId }}", ImageName: two}
  - {name: Delete, action: "aws:deleteImage", inputs: {ImageId: "{{ Copy.ImageId }}"}}
  - {name: End, action: "aws:changeInstanceState", inputs: {InstanceIds: "{{ Launch.InstanceIds }}", DesiredState: terminated}}
"#;
    let view = world.run(document).await;
    succeeded(&view);
    assert_eq!(output(&view, "Launch", "InstanceStates"), json!(["running"]));
    assert_eq!(
        output(&view, "Launch", "InstanceIds"),
        json!([output(&view, "Look", "Id")])
    );
    assert_eq!(output(&view, "Copy", "ImageState"), json!("available"));
    assert_eq!(output(&view, "End", "InstanceStates"), json!(["terminated"]));
}

#[tokio::test]
async fn stacks_come_and_go() {
    let Some(world) = World::open().await else { return };
    let document = r#"
mainSteps:
  - name: Create
    action: aws:createStack
    inputs:
      StackName: topics
      TemplateBody: |
        {"Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "from-a-stack"}}}}
      Tags: [{Key: Team, Value: ops}]
  - {name: Delete, action: "aws:deleteStack", inputs: {StackName: topics}}
  - {name: Again, action: "aws:deleteStack", inputs: {StackName: topics}}
"#;
    let view = world.run(document).await;
    succeeded(&view);
    assert_eq!(output(&view, "Create", "StackStatus"), json!("CREATE_COMPLETE"));
}

/// Query, JSON 1.0 and 1.1, REST-XML and REST-JSON.
#[tokio::test]
async fn every_protocol() {
    let Some(world) = World::open().await else { return };
    let document = r#"
mainSteps:
  - name: Topic
    action: aws:executeAwsApi
    inputs: {Service: sns, Api: CreateTopic, Name: alarms}
    outputs: [{Name: Arn, Selector: $.TopicArn, Type: String}]
  - name: Queue
    action: aws:executeAwsApi
    inputs: {Service: sqs, Api: CreateQueue, QueueName: work, Attributes: {VisibilityTimeout: 60}}
    outputs: [{Name: Url, Selector: $.QueueUrl, Type: String}]
  - name: Send
    action: aws:executeAwsApi
    inputs: {Service: sqs, Api: SendMessage, QueueUrl: "{{ Queue.Url }}", MessageBody: hello}
  - name: Receive
    action: aws:executeAwsApi
    inputs: {Service: sqs, Api: ReceiveMessage, QueueUrl: "{{ Queue.Url }}", MaxNumberOfMessages: "1"}
    outputs: [{Name: Body, Selector: "$.Messages[0].Body", Type: String}]
  - name: Bucket
    action: aws:executeAwsApi
    inputs: {Service: s3, Api: CreateBucket, Bucket: every-protocol, CreateBucketConfiguration: {LocationConstraint: eu-north-1}}
  - name: Buckets
    action: aws:executeAwsApi
    inputs: {Service: s3, Api: ListBuckets}
    outputs: [{Name: Names, Selector: "$.Buckets..Name", Type: StringList}]
  - name: Table
    action: aws:executeAwsApi
    inputs:
      Service: dynamodb
      Api: CreateTable
      TableName: things
      KeySchema: [{AttributeName: id, KeyType: HASH}]
      AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
      BillingMode: PAY_PER_REQUEST
  - {name: Put, action: "aws:executeAwsApi", inputs: {Service: dynamodb, Api: PutItem, TableName: things, Item: {id: {S: a}, n: {N: 7}}}}
  - name: Get
    action: aws:executeAwsApi
    inputs: {Service: dynamodb, Api: GetItem, TableName: things, Key: {id: {S: a}}}
    outputs: [{Name: N, Selector: $.Item.n.N, Type: String}]
  - name: ListsOfOne
    action: aws:executeAwsApi
    inputs: {Service: dynamodb, Api: Query, TableName: [things], Limit: ["1"], ConsistentRead: ["true"], KeyConditionExpression: "id = :id", ExpressionAttributeValues: {":id": {S: [a]}}}
    outputs: [{Name: Count, Selector: $.Count, Type: Integer}]
  - name: Parameter
    action: aws:executeAwsApi
    inputs: {Service: ssm, Api: PutParameter, Name: /x, Value: "1", Type: String}
  - name: Functions
    action: aws:executeAwsApi
    inputs: {Service: lambda, Api: ListFunctions}
    outputs: [{Name: Status, Selector: $.ResponseMetadata.HTTPStatusCode, Type: Integer}]
"#;
    let view = world.run(document).await;
    succeeded(&view);
    assert!(output(&view, "Topic", "Arn").as_str().unwrap().ends_with(":alarms"));
    assert_eq!(output(&view, "Receive", "Body"), json!("hello"));
    assert!(
        output(&view, "Buckets", "Names")
            .as_array()
            .unwrap()
            .contains(&json!("every-protocol"))
    );
    assert_eq!(output(&view, "Get", "N"), json!("7"));
    assert_eq!(output(&view, "ListsOfOne", "Count"), json!(1));
    assert_eq!(output(&view, "Functions", "Status"), json!(200));
}

#[tokio::test]
async fn what_a_service_refuses_fails_the_step_with_its_code() {
    let Some(world) = World::open().await else { return };
    let cases = [
        (
            "{Service: ec2, Api: DescribeInstances, InstanceIds: [i-0000000000000dead]}",
            "InvalidInstanceID.NotFound",
        ),
        (
            "{Service: ec2, Api: DescribeInstance}",
            "did you mean `DescribeInstances`",
        ),
        ("{Service: ec3, Api: DescribeInstances}", "did you mean `ec"),
        ("{Service: ec2, Api: DescribeInstances, InstanceId: x}", "InstanceId"),
    ];
    for (inputs, expected) in cases {
        let view = world
            .run(&format!(
                "mainSteps:\n  - {{name: A, action: 'aws:executeAwsApi', inputs: {inputs}}}\n"
            ))
            .await;
        assert_eq!(view.status, Status::Failed);
        assert!(format!("{view:?}").contains(expected), "{expected}: {view:#?}");
    }
}

/// The stand-in's functions answer with what they are given.
#[tokio::test]
async fn functions_and_state_machines() {
    let Some(world) = World::open().await else { return };
    let document = r#"
mainSteps:
  - {name: Role, action: "aws:executeAwsApi", inputs: {Service: iam, Api: CreateRole, RoleName: runs-things, AssumeRolePolicyDocument: "{}"}, outputs: [{Name: Arn, Selector: $.Role.Arn}]}
  - name: Function
    action: aws:executeAwsApi
    inputs: {Service: lambda, Api: CreateFunction, FunctionName: echo, Runtime: python3.11, Role: "{{ Role.Arn }}", Handler: index.main, Code: {ZipFile: UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA==}}
  - name: Invoke
    action: aws:invokeLambdaFunction
    inputs: {FunctionName: echo, InputPayload: {answer: 42}}
    outputs: [{Name: Answer, Selector: $.answer, Type: Integer}]
  - name: Machine
    action: aws:executeAwsApi
    inputs:
      Service: stepfunctions
      Api: CreateStateMachine
      name: passes
      roleArn: "{{ Role.Arn }}"
      definition: '{"StartAt": "Pass", "States": {"Pass": {"Type": "Pass", "Result": {"done": true}, "End": true}}}'
    outputs: [{Name: Arn, Selector: $.stateMachineArn}]
  - name: Fails
    action: aws:executeAwsApi
    inputs:
      Service: stepfunctions
      Api: CreateStateMachine
      name: fails
      roleArn: "{{ Role.Arn }}"
      definition: '{"StartAt": "Fail", "States": {"Fail": {"Type": "Fail", "Error": "Broken", "Cause": "on purpose"}}}'
    outputs: [{Name: Arn, Selector: $.stateMachineArn}]
  - {name: Execute, action: "aws:executeStateMachine", inputs: {stateMachineArn: "{{ Machine.Arn }}", input: '{"x": 1}'}}
  - {name: Break, action: "aws:executeStateMachine", inputs: {stateMachineArn: "{{ Fails.Arn }}"}, onFailure: Continue, isCritical: false}
"#;
    let view = world.run(document).await;
    succeeded(&view);
    assert_eq!(output(&view, "Invoke", "StatusCode"), json!(200));
    assert_eq!(output(&view, "Invoke", "Answer"), json!(42));
    assert_eq!(output(&view, "Invoke", "Payload"), json!(r#"{"answer": 42}"#));
    assert_eq!(output(&view, "Execute", "status"), json!("SUCCEEDED"));
    assert!(output(&view, "Execute", "output").as_str().unwrap().contains("done"));
    let broken = view.steps.iter().find(|step| step.name == "Break").unwrap();
    let failure = broken.failure.as_ref().unwrap();
    let told = &failure.message;
    assert!(told.contains("FAILED Broken on purpose"), "{told}");
    let details = failure.details.as_ref().unwrap();
    assert_eq!(details["status"], "FAILED", "{details}");
    assert!(
        details["executionArn"].as_str().unwrap().contains(":fails:"),
        "{details}"
    );
}

/// Answers one request, and says what it was.
fn webhook(status: u16) -> (String, std::thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/hook", listener.local_addr().unwrap());
    let serving = std::thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        let (mut said, mut part) = (Vec::new(), [0; 4096]);
        while !said.ends_with(b"}") {
            let read = stream.read(&mut part).unwrap();
            said.extend_from_slice(&part[..read]);
        }
        write!(
            stream,
            "HTTP/1.1 {status} X\r\ncontent-length: 5\r\nconnection: close\r\n\r\nheard"
        )
        .unwrap();
        String::from_utf8(said).unwrap()
    });
    (address, serving)
}

#[tokio::test]
async fn webhooks_are_called_with_what_is_kept_as_a_secret() {
    let Some(world) = World::open().await else { return };
    for (status, wanted) in [(200, Status::Success), (500, Status::Failed)] {
        let (address, serving) = webhook(status);
        let integration = json!({"url": address, "headers": {"X-Token": "abc"}, "payload": "unused"}).to_string();
        let document = format!(
            "
mainSteps:
  - name: Keep
    action: aws:executeAwsApi
    inputs:
      Service: ssm
      Api: PutParameter
      Name: /d9d01087-4a3f-49e0-b0b4-d568d7826553/ssm/integrations/webhook/hook{status}
      Type: SecureString
      Value: '{integration}'
  - {{name: Call, action: 'aws:invokeWebhook', inputs: {{IntegrationName: hook{status}, Body: '{{\"text\": \"hi\"}}'}}}}
"
        );
        let view = world.run(&document).await;
        assert_eq!(view.status, wanted, "{view:#?}");
        let heard = serving.join().unwrap();
        assert!(
            heard.starts_with("POST /hook ") && heard.to_lowercase().contains("x-token: abc"),
            "{heard}"
        );
        assert!(heard.ends_with(r#"{"text": "hi"}"#), "{heard}");
        if wanted == Status::Success {
            assert_eq!(output(&view, "Call", "ResponseCode"), json!(200));
            assert_eq!(output(&view, "Call", "Response"), json!("heard"));
        }
    }
}
