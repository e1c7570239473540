import DetectionPipeline
import DetectionRecords
import Testing

@Suite struct ShardAssignmentTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let id: String
    let environment: [String: String]
    let part: String
    let origin: String
    var testDescription: String { id }
  }

  static let cases = [
    Case(
      id: "Slurm from 0",
      environment: [
        "SLURM_ARRAY_TASK_ID": "2", "SLURM_ARRAY_TASK_COUNT": "4", "SLURM_ARRAY_TASK_MIN": "0",
        "SLURM_ARRAY_TASK_MAX": "3", "SLURM_ARRAY_TASK_STEP": "1",
      ], part: "3/4", origin: "Slurm (SLURM_ARRAY_TASK_ID=2)"),
    Case(
      id: "Slurm from 1",
      environment: [
        "SLURM_ARRAY_TASK_ID": "4", "SLURM_ARRAY_TASK_COUNT": "4", "SLURM_ARRAY_TASK_MIN": "1",
      ], part: "4/4", origin: "Slurm (SLURM_ARRAY_TASK_ID=4)"),
    Case(
      id: "Slurm with steps",
      environment: [
        "SLURM_ARRAY_TASK_ID": "7", "SLURM_ARRAY_TASK_COUNT": "4", "SLURM_ARRAY_TASK_MIN": "1",
        "SLURM_ARRAY_TASK_STEP": "2",
      ], part: "4/4", origin: "Slurm (SLURM_ARRAY_TASK_ID=7)"),
    Case(
      id: "Slurm past 1, with a count",
      environment: [
        "SLURM_ARRAY_TASK_ID": "6", "SLURM_ARRAY_TASK_COUNT": "2", "SLURM_ARRAY_TASK_MIN": "5",
        "SLURM_ARRAY_TASK_MAX": "6", "DETECT_BATCH_SHARD_COUNT": "2",
      ], part: "2/2", origin: "Slurm (SLURM_ARRAY_TASK_ID=6)"),
    Case(
      id: "Kubernetes with a count",
      environment: ["JOB_COMPLETION_INDEX": "0", "DETECT_BATCH_SHARD_COUNT": "5"],
      part: "1/5", origin: "Kubernetes (JOB_COMPLETION_INDEX=0)"),
    Case(
      id: "AWS Batch",
      environment: ["AWS_BATCH_JOB_ARRAY_INDEX": "9", "AWS_BATCH_JOB_ARRAY_SIZE": "10"],
      part: "10/10", origin: "AWS Batch (AWS_BATCH_JOB_ARRAY_INDEX=9)"),
    Case(
      id: "Cloud Run",
      environment: ["CLOUD_RUN_TASK_INDEX": "1", "CLOUD_RUN_TASK_COUNT": "3"],
      part: "2/3", origin: "Cloud Run (CLOUD_RUN_TASK_INDEX=1)"),
    Case(
      id: "Google Batch",
      environment: ["BATCH_TASK_INDEX": "0", "BATCH_TASK_COUNT": "3"],
      part: "1/3", origin: "Google Batch (BATCH_TASK_INDEX=0)"),
    Case(
      id: "a count that agrees",
      environment: [
        "BATCH_TASK_INDEX": "0", "BATCH_TASK_COUNT": "3", "DETECT_BATCH_SHARD_COUNT": "3",
      ], part: "1/3", origin: "Google Batch (BATCH_TASK_INDEX=0)"),
    Case(
      id: "two schedulers that agree",
      environment: [
        "SLURM_ARRAY_TASK_ID": "1", "SLURM_ARRAY_TASK_COUNT": "3", "SLURM_ARRAY_TASK_MIN": "0",
        "BATCH_TASK_INDEX": "1", "BATCH_TASK_COUNT": "3",
      ], part: "2/3", origin: "Slurm (SLURM_ARRAY_TASK_ID=1)"),
  ]

  @Test(arguments: cases)
  func `schedulers are understood`(_ test: Case) throws {
    let assignment = try ShardAssignment(environment: test.environment)
    #expect(assignment.part.description == test.part)
    #expect(assignment.origin == test.origin)
  }

  struct Refusal: Sendable, CustomTestStringConvertible {
    let id: String
    let environment: [String: String]
    let message: String
    var testDescription: String { id }
  }

  static let refusals = [
    Refusal(
      id: "nothing", environment: ["DETECT_BATCH_SHARD_COUNT": "3"],
      message: "auto finds no job array: none of SLURM_ARRAY_TASK_ID, JOB_COMPLETION_INDEX, "
        + "AWS_BATCH_JOB_ARRAY_INDEX, CLOUD_RUN_TASK_INDEX, BATCH_TASK_INDEX is set"),
    Refusal(
      id: "Kubernetes without a count", environment: ["JOB_COMPLETION_INDEX": "0"],
      message:
        "Kubernetes tells this task's index (JOB_COMPLETION_INDEX) and not how many there are: "
        + "set DETECT_BATCH_SHARD_COUNT"),
    Refusal(
      id: "no number", environment: ["BATCH_TASK_INDEX": "x", "BATCH_TASK_COUNT": "3"],
      message: "BATCH_TASK_INDEX='x' is not a whole number from 0 to 10000000"),
    Refusal(
      id: "uneven array",
      environment: [
        "SLURM_ARRAY_TASK_ID": "9", "SLURM_ARRAY_TASK_COUNT": "3", "SLURM_ARRAY_TASK_MIN": "1",
      ],
      message:
        "SLURM_ARRAY_TASK_ID=9 is not one of evenly spaced indices: give Slurm an array such as "
        + "0-6, or say I/N yourself"),
    Refusal(
      id: "an array with a gap, whose first task would fit",
      environment: [
        "SLURM_ARRAY_TASK_ID": "1", "SLURM_ARRAY_TASK_COUNT": "2", "SLURM_ARRAY_TASK_MIN": "1",
        "SLURM_ARRAY_TASK_MAX": "7",
      ],
      message:
        "SLURM_ARRAY_TASK_ID=1 is not one of evenly spaced indices: give Slurm an array such as "
        + "0-6, or say I/N yourself"),
    Refusal(
      id: "one task, perhaps of a larger array",
      environment: [
        "SLURM_ARRAY_TASK_ID": "0", "SLURM_ARRAY_TASK_COUNT": "1", "SLURM_ARRAY_TASK_MIN": "0",
        "SLURM_ARRAY_TASK_MAX": "0",
      ],
      message:
        "SLURM_ARRAY_TASK_ID=0 in an array of 1: if Slurm does some tasks of a larger array again, "
        + "say I/N yourself; if these are all, set DETECT_BATCH_SHARD_COUNT=1"),
    Refusal(
      id: "an array past 1, perhaps of a larger one",
      environment: [
        "SLURM_ARRAY_TASK_ID": "5", "SLURM_ARRAY_TASK_COUNT": "3", "SLURM_ARRAY_TASK_MIN": "3",
        "SLURM_ARRAY_TASK_MAX": "5",
      ],
      message:
        "SLURM_ARRAY_TASK_ID=5 in an array of 3: if Slurm does some tasks of a larger array again, "
        + "say I/N yourself; if these are all, set DETECT_BATCH_SHARD_COUNT=3"),
    Refusal(
      id: "two counts",
      environment: [
        "BATCH_TASK_INDEX": "0", "BATCH_TASK_COUNT": "3", "DETECT_BATCH_SHARD_COUNT": "4",
      ],
      message:
        "DETECT_BATCH_SHARD_COUNT=4 and BATCH_TASK_COUNT=3 contradict each other: unset one, or "
        + "say I/N yourself"),
    Refusal(
      id: "two schedulers",
      environment: [
        "AWS_BATCH_JOB_ARRAY_INDEX": "1", "AWS_BATCH_JOB_ARRAY_SIZE": "3",
        "BATCH_TASK_INDEX": "2", "BATCH_TASK_COUNT": "3",
      ],
      message: "part 2/3 by AWS Batch (AWS_BATCH_JOB_ARRAY_INDEX=1) and part 3/3 by Google Batch "
        + "(BATCH_TASK_INDEX=2) contradict each other: unset one, or say I/N yourself"),
  ]

  @Test(arguments: refusals)
  func `what makes no sense is refused`(_ test: Refusal) {
    let error = #expect(throws: ShardError.self) {
      try ShardAssignment(environment: test.environment)
    }
    #expect(error?.description == test.message)
  }
}
