import ArgumentParser
import RetinaNetModel
import SystemPackage

/// Writes a model with weights from a formula, for measurements that do not mind what is found.
struct ModelCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "model", abstract: "Writes a model file with weights from a formula.")

  @OptionGroup var network: ModelOptions

  @Option(name: [.short, .long], help: "The file.")
  var output: String

  func run() throws {
    let source = try network.open()
    try ModelFile.write(source.description, to: FilePath(output)) { try source.values($0) }
  }
}
