"""The AWS API actions, each a few lines over botocore."""

from . import api, cloudformation, images, instances, invoke

ACTIONS = {
    "aws:assertAwsResourceProperty": api.assert_property,
    "aws:changeInstanceState": instances.change_state,
    "aws:copyImage": images.copy,
    "aws:createImage": images.create,
    "aws:createStack": cloudformation.create_stack,
    "aws:createTags": api.create_tags,
    "aws:deleteImage": images.delete,
    "aws:deleteStack": cloudformation.delete_stack,
    "aws:executeAwsApi": api.execute,
    "aws:executeStateMachine": invoke.state_machine,
    "aws:invokeLambdaFunction": invoke.function,
    "aws:runInstances": instances.run,
    "aws:waitForAwsResourceProperty": api.wait_for_property,
}
