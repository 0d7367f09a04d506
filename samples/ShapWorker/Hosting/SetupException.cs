namespace ShapWorker.Hosting;

/// <summary>The program cannot start as it is set up; the message says what to change.</summary>
internal sealed class SetupException(string message, Exception? inner = null) : Exception(message, inner);
