import ArgumentParser

/// Everything that can be typed after `detect-batch`, and stand in a pipeline file.
struct DetectOptions: ParsableArguments {
  @OptionGroup(title: "Input") var input: InputOptions
  @OptionGroup(title: "Frames of videos") var sampling: SamplingOptions
  @OptionGroup(title: "Detection") var model: ModelOptions
  @OptionGroup(title: "How pictures are looked at") var looks: LookOptions
  @OptionGroup(title: "Output") var output: OutputOptions
  @OptionGroup(title: "Resources and limits") var resources: ResourceOptions
  @OptionGroup(title: "Messages") var report: ReportOptions

  /// Takes from a pipeline file what was not typed.
  ///
  /// - Throws: `SettingsError` for a key that is no option or a value that cannot be used.
  mutating func fill(from file: PipelineFile) throws {
    try input.fill(from: file)
    try sampling.fill(from: file)
    try model.fill(from: file)
    try looks.fill(from: file)
    try output.fill(from: file)
    try resources.fill(from: file)
    try report.fill(from: file)
    try file.finish()
  }
}
