import ArgumentParser
import DetectionPipeline
import RetinaNetModel
import SystemPackage

/// What models there are.
struct ModelsCommand: ToolCommand {
  static let configuration = CommandConfiguration(
    commandName: "models",
    abstract: "Lists the models that are here and those that can be fetched.",
    discussion: """
      For each model its name for `--model` and `fetch`, whether it is here, what it finds, the average precision of \
      boxes on COCO's val2017 that its publisher states (percent; none where something else was measured), its size, \
      its licence and who publishes it. --json says also where it comes from and where it is.
      """)

  @Flag(help: "Print one JSON object a model instead of a table.")
  var json = false

  func execute() throws -> ExitStatus {
    let places = Places()
    let here = places.models()
    let listed = try own(here) + PublishedModel.all.map { ListedModel($0, path: here[$0.name]) }
    return ProgramOutput.write(
      json ? listed.map(\.json.compact).joined(separator: "\n") : ListedModel.table(listed))
  }

  /// Those that are here and are nobody else's.
  private func own(_ here: [String: FilePath]) throws -> [ListedModel] {
    here.filter { PublishedModel.named($0.key) == nil }.sorted { $0.key < $1.key }.compactMap {
      name, path in
      do {
        return ListedModel(name: name, path: path, model: try DetectionModel(contentsOf: path))
      } catch {
        // A file that cannot be used is no reason to say nothing of the others.
        Log.logger.warning("\(Fault(error))")
        return nil
      }
    }
  }
}
