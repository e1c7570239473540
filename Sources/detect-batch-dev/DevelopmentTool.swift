import ArgumentParser

/// What the scripts in `scripts/` measure and compare with. Not installed.
@main
struct DevelopmentTool: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "detect-batch-dev",
    abstract: "Measures the engine, and shows its inner numbers to the scripts in scripts/.",
    discussion: "Build it for release: swift build -c release --product detect-batch-dev",
    subcommands: [
      NetworkCommand.self, HeadsCommand.self, DecodeCommand.self, ConvolutionsCommand.self,
      PreprocessCommand.self, PostprocessCommand.self, RecordsCommand.self, TrainingCommand.self,
      TrainingStepsCommand.self, ModelCommand.self,
      BoxesCommand.self, LooksCommand.self, TilesCommand.self, MergeCommand.self,
    ])
}
