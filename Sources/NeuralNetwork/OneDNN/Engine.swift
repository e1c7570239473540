import COneDNN

/// oneDNN's CPU engine: one for the process, as oneDNN refuses to mix objects of different engines in a call.
///
/// `@unchecked Sendable`: oneDNN's engine object is immutable and its use from several threads is allowed.
public final class Engine: @unchecked Sendable {
  let handle: dnnl_engine_t

  private static let made = Result { () throws(NeuralNetworkError) in try Engine() }

  /// The process's engine.
  ///
  /// - Throws: `NeuralNetworkError.oneDNN`, always the same.
  static func shared() throws(NeuralNetworkError) -> Engine {
    try made.get()
  }

  private init() throws(NeuralNetworkError) {
    var handle: dnnl_engine_t?
    try check(dnnl_engine_create(&handle, dnnl_cpu, 0), "dnnl_engine_create")
    self.handle = try unwrap(handle, "dnnl_engine_create")
  }

  deinit {
    dnnl_engine_destroy(handle)
  }

  /// What results' bits follow from beside the instruction set, each a name and a value: the ways in which convolutions
  /// are computed here (the number rises whenever an algorithm, or the rule that chooses it, changes) and the release of
  /// oneDNN, which may add in another order.
  public static var arithmetic: [String] {
    let release = oneDNNVersion.split(separator: ".").prefix(2).joined(separator: ".")
    return ["convolutions 2", "oneDNN \(release)"]
  }

  /// oneDNN's version, for instance "2.6.3".
  public static var oneDNNVersion: String {
    guard let version = dnnl_version()?.pointee else { return "?" }
    return "\(version.major).\(version.minor).\(version.patch)"
  }
}

/// An in-order queue of one thread's oneDNN calls. Not for use by two threads.
final class ExecutionStream {
  let handle: dnnl_stream_t

  init(engine: Engine) throws(NeuralNetworkError) {
    var handle: dnnl_stream_t?
    try check(
      dnnl_stream_create(&handle, engine.handle, dnnl_stream_default_flags.rawValue),
      "dnnl_stream_create")
    self.handle = try unwrap(handle, "dnnl_stream_create")
  }

  deinit {
    dnnl_stream_destroy(handle)
  }
}

/// Makes oneDNN's calls from the current thread run on the current thread alone. OpenMP keeps this per
/// thread, and a new thread starts with its own default: so every thread that runs primitives says it.
func runSingleThreaded() {
  omp_set_num_threads(1)
}

/// Throws unless oneDNN reported success.
func check(_ status: dnnl_status_t, _ call: String) throws(NeuralNetworkError) {
  guard status != dnnl_success else { return }
  if status == dnnl_out_of_memory { throw .outOfMemory(bytes: nil) }
  throw .oneDNN(call: call, status: describe(status))
}

/// A handle that oneDNN says it made.
func unwrap<Handle>(_ handle: Handle?, _ call: String) throws(NeuralNetworkError) -> Handle {
  guard let handle else { throw .oneDNN(call: call, status: "no object") }
  return handle
}

private func describe(_ status: dnnl_status_t) -> String {
  switch status {
  case dnnl_invalid_arguments: "invalid arguments"
  case dnnl_unimplemented: "not implemented for these shapes on this CPU"
  case dnnl_runtime_error: "runtime error"
  case dnnl_not_required: "not required"
  default: "status \(status.rawValue)"
  }
}
