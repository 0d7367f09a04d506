namespace Resilient.Redis.Queue.Worker;

/// <summary>An exception as it is kept with a job: bounded, and never a second exception.</summary>
internal static class ErrorText
{
    public const int MaxLength = 4000;

    public static string Of(Exception error)
    {
        var type = error.GetType().FullName ?? error.GetType().Name;
        string text;
        try
        {
            text = error.ToString();
        }
        catch (Exception thrown) // A handler's exception may throw anything from its ToString, and that must not cost the job its settlement.
        {
            text = $"{type} (its text cannot be read: ToString threw {thrown.GetType().Name})";
        }

        return text is null ? type : Cut(text);
    }

    public static string FirstLine(string text) => text.IndexOfAny(['\r', '\n']) is >= 0 and var end ? text[..end] : text;

    public static string Cut(string text) => text.Length <= MaxLength ? text : string.Concat(text.AsSpan(0, MaxLength), " ...");
}
