//! The AWS API actions.

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
