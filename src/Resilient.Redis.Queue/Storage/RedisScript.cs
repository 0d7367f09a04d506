using StackExchange.Redis;

namespace Resilient.Redis.Queue.Storage;

/// <summary>One embedded script. The driver sends its hash, and its text where the server does not know it yet.</summary>
internal sealed class RedisScript(string name, string text)
{
    public string Name { get; } = name;

    public string Text { get; } = text;

    public Task<RedisResult> RunAsync(IDatabase database, RedisKey[] keys, RedisValue[] arguments) =>
        database.ScriptEvaluateAsync(Text, keys, arguments);

    /// <summary>Blocks its thread: for the lease keeper only (rule R18).</summary>
    public RedisResult Run(IDatabase database, RedisKey[] keys, RedisValue[] arguments) =>
        database.ScriptEvaluate(Text, keys, arguments);
}

/// <summary>All scripts: each is made of the parts that it needs, the shared ones first.</summary>
/// <param name="clock">Replaces Scripts/_clock.lua, for tests that move the server's clock.</param>
internal sealed class RedisScripts(string? clock = null)
{
    private readonly string _clock = clock ?? Read("_clock");

    public static RedisScripts Default { get; } = new();

    public RedisScript Enqueue => field ??= Compose("_prelude", "_line", "_arrive", "enqueue");

    public RedisScript Claim => field ??= Compose("_prelude", "_history", "_waited", "_worker", "_end", "_look", "_limit", "_claim", "claim");

    public RedisScript Settle => field ??= Compose("_prelude", "_history", "_waited", "_worker", "_end", "_look", "_limit", "_claim", "_arrive", "_outcome", "settle");

    public RedisScript Extend => field ??= Compose("_prelude", "_history", "_waited", "_worker", "_end", "_look", "extend");

    public RedisScript Cancel => field ??= Compose("_prelude", "_waited", "_line", "cancel");

    public RedisScript Requeue => field ??= Compose("_prelude", "_history", "_operator", "requeue");

    public RedisScript Remove => field ??= Compose("_prelude", "_waited", "_line", "_operator", "remove");

    public RedisScript Purge => field ??= Compose("_prelude", "_waited", "_line", "_operator", "purge");

    public RedisScript Pause => field ??= Compose("_prelude", "pause");

    public RedisScript Outbox => field ??= Compose("_prelude", "_outbox", "outbox");

    public RedisScript Audit => field ??= Compose("_prelude", "_waited", "_line", "_audit", "audit");

    public RedisScript Reconcile => field ??= Compose("_prelude", "_outbox", "_waited", "_line", "_audit", "reconcile");

    public RedisScript Inspect => field ??= Compose("_prelude", "_history", "_waited", "_describe", "inspect");

    public RedisScript List => field ??= Compose("_prelude", "_history", "_describe", "list");

    public RedisScript Count => field ??= Compose("_prelude", "_line", "count");

    public RedisScript Schedule => field ??= Compose("_prelude", "_arrive", "_recurring", "schedule");

    public RedisScript Advance => field ??= Compose("_prelude", "_arrive", "_recurring", "advance");

    public RedisScript Trigger => field ??= Compose("_prelude", "_arrive", "_recurring", "trigger");

    public RedisScript Unschedule => field ??= Compose("_prelude", "_recurring", "unschedule");

    public RedisScript Recurring => field ??= Compose("_prelude", "_recurring", "recurring");

    private RedisScript Compose(params ReadOnlySpan<string> parts)
    {
        var text = _clock;
        foreach (var part in parts)
            text += Read(part);
        return new RedisScript(parts[^1], text);
    }

    private static string Read(string part)
    {
        using var stream = typeof(RedisScripts).Assembly.GetManifestResourceStream(part + ".lua")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd() + "\n";
    }
}
