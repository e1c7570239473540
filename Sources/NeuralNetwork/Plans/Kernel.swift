/// What one step of a plan runs: compiled for fixed shapes, without memory of its own, shared by all threads.
protocol Kernel: Sendable {
  /// Bytes of scratch memory that a run uses.
  var scratchByteCount: Int { get }

  /// Points the kernel at one thread's memory.
  func bind(to memory: KernelMemory) throws(NeuralNetworkError) -> BoundKernel
}

extension Kernel {
  var scratchByteCount: Int { 0 }
}

/// Runs a kernel on the memory it was bound to, on the calling thread, and returns when done.
typealias BoundKernel = () throws(NeuralNetworkError) -> Void

/// The memory of one step: valid as long as the runner that bound it keeps its plan.
struct KernelMemory {
  /// Where each operand begins, in the kernel's order.
  let operands: [UnsafeMutableRawPointer]
  /// At least `scratchByteCount` bytes, undefined before and after each run.
  let scratch: UnsafeMutableRawPointer
  let stream: ExecutionStream
  /// What is computed of the plan's maps on demand, anew in each run.
  let areas: DemandedAreas

  /// One operand as numbers.
  func numbers(_ operand: Int) -> UnsafeMutablePointer<Float> {
    operands[operand].assumingMemoryBound(to: Float.self)
  }
}

/// A kernel that is a loop of this module over numbers.
struct LoopKernel: Kernel {
  let run: @Sendable (KernelMemory) -> Void

  func bind(to memory: KernelMemory) -> BoundKernel {
    let run = run
    return { run(memory) }
  }
}
