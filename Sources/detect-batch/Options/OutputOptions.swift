import ArgumentParser
import DetectionPipeline

/// Where records go, and what of earlier runs stays.
struct OutputOptions: ParsableArguments {
  @Option(
    name: [.short, .long],
    help: ArgumentHelp(
      "Directory for one .jsonl file per input; - writes all records to standard output. "
        + "(default: detections)", valueName: "directory"), completion: .directory,
    transform: OptionValue.output)
  var output: String?

  @Option(
    help: ArgumentHelp(
      "What to do about inputs whose output exists: leave them (skip), make anew what was made "
        + "from another file or with other settings (stale), make all anew (always), or refuse to "
        + "run (error). (default: stale)", valueName: "skip|stale|always|error"),
    completion: .list(RunConfiguration.OverwritePolicy.allCases.map(\.rawValue)),
    transform: OptionValue.choice)
  var overwrite: RunConfiguration.OverwritePolicy?

  @Flag(help: "Try inputs again that could not be decoded earlier.")
  var retryFailed = false

  @Flag(
    help: ArgumentHelp(
      "Remove outputs whose inputs are gone: those that lay in a directory that is searched now. With "
        + "--dry-run, list them."))
  var prune = false

  @Flag(help: "Say what would be done, and why, and do nothing.")
  var dryRun = false

  @Option(
    help: ArgumentHelp(
      "Do only the I-th of N parts of the inputs, or the part that a job array of Slurm, "
        + "Kubernetes, AWS Batch, Cloud Run or Google Batch gives this process (auto). (default: all)",
      valueName: "i/n|auto"),
    transform: OptionValue.shard)
  var shard: ShardChoice?

  @Option(
    help: ArgumentHelp(
      "Of each video do only the I-th of N parts; `detect-batch merge` puts them together. (default: all)",
      valueName: "i/n|auto"),
    transform: OptionValue.shard)
  var segment: ShardChoice?

  @Flag(help: "Wait while another run holds the output directory, instead of giving up.")
  var wait = false

  @Option(
    help: ArgumentHelp(
      "Keep counters in this file, as Prometheus text. (default: none are kept)", valueName: "file"),
    completion: .file(), transform: OptionValue.outputFile)
  var metrics: String?

  /// The file of counters.
  var metricsFile: MetricsFile? {
    metrics.map { path in
      MetricsFile(path: ArgumentBytes.path(path)) { ExitStatus($0).rawValue }
    }
  }

  mutating func fill(from file: PipelineFile) throws {
    try file.fill(&output, "output", OptionValue.output)
    try file.fill(&overwrite, "overwrite", OptionValue.choice)
    try file.fill(&retryFailed, "retry-failed")
    try file.fill(&prune, "prune")
    try file.fill(&shard, "shard", OptionValue.shard)
    try file.fill(&segment, "segment", OptionValue.shard)
    try file.fill(&wait, "wait")
    try file.fill(&metrics, "metrics", OptionValue.outputFile)
  }
}
