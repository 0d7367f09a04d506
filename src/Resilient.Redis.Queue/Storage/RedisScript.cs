using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using StackExchange.Redis;

namespace Resilient.Redis.Queue.Storage;

/// <summary>One embedded script. Its hash is sent, and its text where the server does not know it yet.</summary>
/// <remarks>The driver can do so by itself, but then hashes the text, of some ten thousand characters, for each call to find what it knows of it.</remarks>
internal sealed class RedisScript(string name, string text)
{
    private readonly byte[] _hash = Hash(text);

    public string Name { get; } = name;

    public string Text { get; } = text;

    public async Task<RedisResult> RunAsync(IDatabase database, RedisKey[] keys, RedisValue[] arguments)
    {
        try
        {
            return await database.ScriptEvaluateAsync(_hash, keys, arguments).ConfigureAwait(false);
        }
        catch (RedisServerException error) when (error.Kind == RedisErrorKind.NoScript)
        {
            return await database.ScriptEvaluateAsync(Text, keys, arguments).ConfigureAwait(false);
        }
    }

    /// <summary>Blocks its thread: for the lease keeper only (rule R18).</summary>
    public RedisResult Run(IDatabase database, RedisKey[] keys, RedisValue[] arguments)
    {
        try
        {
            return database.ScriptEvaluate(_hash, keys, arguments);
        }
        catch (RedisServerException error) when (error.Kind == RedisErrorKind.NoScript)
        {
            return database.ScriptEvaluate(Text, keys, arguments);
        }
    }

    [SuppressMessage("Security", "CA5350", Justification = "It is how Redis names scripts.")]
    private static byte[] Hash(string text) => SHA1.HashData(Encoding.UTF8.GetBytes(text));
}

/// <summary>All scripts: each is made of the parts that it needs, the shared ones first.</summary>
/// <param name="clock">Replaces Scripts/_clock.lua, for tests that move the server's clock.</param>
internal sealed class RedisScripts(string? clock = null)
{
    private readonly string _clock = clock ?? Read("_clock");

    public static RedisScripts Default { get; } = new();

    public RedisScript Enqueue => field ??= Compose("_fresh", "_plain", "_prelude", "_record", "_line", "_arrive", "enqueue");

    public RedisScript Claim => field ??= Compose("_prelude", "_record", "_history", "_waited", "_worker", "_end", "_look", "_limit", "_hand_out", "_claim", "claim");

    public RedisScript Settle => field ??= Compose("_prelude", "_record", "_history", "_waited", "_worker", "_end", "_look", "_limit", "_hand_out", "_claim", "_fresh", "_arrive", "_outcome", "_settlements", "settle");

    public RedisScript Extend => field ??= Compose("_prelude", "_record", "_history", "_waited", "_worker", "_end", "_look", "extend");

    public RedisScript Cancel => field ??= Compose("_prelude", "_record", "_waited", "_line", "cancel");

    public RedisScript Requeue => field ??= Compose("_prelude", "_record", "_history", "_operator", "requeue");

    public RedisScript Remove => field ??= Compose("_prelude", "_record", "_waited", "_line", "_operator", "remove");

    public RedisScript Purge => field ??= Compose("_prelude", "_record", "_waited", "_line", "_operator", "purge");

    public RedisScript Pause => field ??= Compose("_prelude", "pause");

    public RedisScript Outbox => field ??= Compose("_prelude", "_outbox", "outbox");

    public RedisScript Audit => field ??= Compose("_prelude", "_record", "_waited", "_line", "_audit", "audit");

    public RedisScript Reconcile => field ??= Compose("_prelude", "_record", "_outbox", "_waited", "_line", "_audit", "reconcile");

    public RedisScript Inspect => field ??= Compose("_prelude", "_record", "_history", "_waited", "_describe", "inspect");

    public RedisScript List => field ??= Compose("_prelude", "_record", "_history", "_describe", "list");

    public RedisScript Count => field ??= Compose("_prelude", "_record", "_line", "count");

    public RedisScript Schedule => field ??= Compose("_prelude", "_record", "_fresh", "_arrive", "_recurring", "schedule");

    public RedisScript Advance => field ??= Compose("_prelude", "_record", "_fresh", "_arrive", "_recurring", "advance");

    public RedisScript Trigger => field ??= Compose("_prelude", "_record", "_fresh", "_arrive", "_recurring", "trigger");

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
