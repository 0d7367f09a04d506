using Microsoft.Extensions.Configuration;
using StackExchange.Redis;

namespace Resilient.Redis.Options;

/// <summary>Merges code, connection text, environment, configuration section and defaults into the effective options of one connection.</summary>
internal sealed class OptionsResolver(string name, Func<string, string?> environment, IConfiguration? configuration)
{
    private const int HeartbeatMilliseconds = 250;

    private static readonly TimeSpan s_leastTimeout = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan s_mostBaseDelay = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan s_mostTimeout = TimeSpan.FromMinutes(5);

    private readonly string _sectionPath = name.Length == 0 ? "Redis" : $"Redis:{name}";

    /// <summary>Returns null, and all faults in <paramref name="check"/>, when anything cannot be used.</summary>
    public ResolvedRedisOptions? Resolve(ResilientRedisOptions code, OptionsCheck check)
    {
        // The variables of the Python service serve the default connection only.
        var variables = name.Length == 0 ? environment : static _ => null;
        var section = configuration?.GetSection(_sectionPath);
        var source = Source(code, variables, section);
        var text = ConnectionText.Read(source.Value, source.Source, check);
        var read = new SettingReader(check, variables, section, _sectionPath, text, source.Source);
        var retry = code.Retry ?? new();

        var connect = read.Time(nameof(code.ConnectTimeout), code.ConnectTimeout, ["connectTimeout"], o => Milliseconds(o.ConnectTimeout), "REDIS_TIMEOUT", TimeSpan.FromSeconds(5));
        var attempt = read.Time(nameof(code.AttemptTimeout), code.AttemptTimeout, ["asyncTimeout", "syncTimeout"], o => Milliseconds(o.AsyncTimeout), "REDIS_TIMEOUT", TimeSpan.FromSeconds(2));
        var total = read.Time(nameof(code.TotalTimeout), code.TotalTimeout, [], null, null, Longer(TimeSpan.FromSeconds(10), 3 * attempt.Value));
        var interval = read.Time(nameof(code.KeepAliveInterval), code.KeepAliveInterval, KeepAliveKeys(text), o => TimeSpan.FromSeconds(o.KeepAlive), null, TimeSpan.FromSeconds(2));
        var keepAlive = read.Flag(nameof(code.KeepAlive), code.KeepAlive, ["tcpKeepAlive"], o => o.TcpKeepAlive, "REDIS_SOCKET_KEEPALIVE", true);
        var pool = read.Number(nameof(code.PoolSize), code.PoolSize, "REDIS_CONNECTION_POOL_SIZE", 10);
        var threads = read.Flag(nameof(code.DedicatedThreads), code.DedicatedThreads, [], null, null, null);
        var failFast = read.Flag(nameof(code.FailFast), code.FailFast, [], null, null, true);
        var retries = read.Number("Retry:MaxRetries", retry.MaxRetries, null, 3);
        var baseDelay = read.Time("Retry:BaseDelay", retry.BaseDelay, [], null, null, TimeSpan.FromMilliseconds(100));
        var maxDelay = read.Time("Retry:MaxDelay", retry.MaxDelay, [], null, null, Longer(TimeSpan.FromSeconds(1), baseDelay.Value > s_mostBaseDelay ? s_mostBaseDelay : baseDelay.Value));

        check.Between(connect, s_leastTimeout, s_mostTimeout);
        check.Between(attempt, s_leastTimeout, s_mostTimeout);
        check.Between(total, s_leastTimeout, TimeSpan.FromHours(1));
        check.NotLess(total, attempt, nameof(code.AttemptTimeout));
        check.Between(interval, TimeSpan.FromSeconds(1), TimeSpan.FromHours(1));
        check.Between(pool, 1, 64);
        check.Between(retries, 0, 20);
        check.Between(baseDelay, TimeSpan.FromMilliseconds(1), s_mostBaseDelay);
        check.Between(maxDelay, TimeSpan.FromMilliseconds(1), TimeSpan.FromMinutes(5));
        if (baseDelay.Value <= s_mostBaseDelay)      // else that is the fault, and is told
            check.NotLess(maxDelay, baseDelay, nameof(retry.BaseDelay));
        if (text is null || check.Faults.Count > 0)
            return null;

        return new ResolvedRedisOptions
        {
            Name = name,
            Driver = Fill(text, code, connect.Value, attempt.Value, keepAlive.Value!.Value, interval.Value),
            ConnectTimeout = connect.Value,
            AttemptTimeout = attempt.Value,
            TotalTimeout = total.Value,
            KeepAlive = keepAlive.Value.Value,
            KeepAliveInterval = interval.Value,
            PoolSize = pool.Value,
            DedicatedThreads = threads.Value,
            FailFast = failFast.Value!.Value,
            MaxRetries = retries.Value,
            BaseDelay = baseDelay.Value,
            MaxDelay = maxDelay.Value,
            ConnectionSource = source.Source,
            TimeoutSource = name.Length == 0 && code.AttemptTimeout is null ? "AttemptTimeout (REDIS_TIMEOUT)" : "AttemptTimeout",
        };
    }

    private Setting<string> Source(ResilientRedisOptions code, Func<string, string?> variables, IConfiguration? section)
    {
        if (!string.IsNullOrWhiteSpace(code.ConnectionString))
            return new(code.ConnectionString.Trim(), nameof(code.ConnectionString));
        if (variables("REDIS_URL")?.Trim() is { Length: > 0 } url)
            return new(url, "REDIS_URL");
        if (section?[nameof(code.ConnectionString)]?.Trim() is { Length: > 0 } text)
            return new(text, $"{_sectionPath}:{nameof(code.ConnectionString)}");
        return new("localhost:6379", name.Length == 0 ? "REDIS_URL" : nameof(code.ConnectionString));
    }

    /// <summary>Defaults only fill what the text leaves silent; what code sets wins over the text.</summary>
    private ConfigurationOptions Fill(ConnectionText text, ResilientRedisOptions code, TimeSpan connect, TimeSpan attempt, bool keepAlive, TimeSpan interval)
    {
        var driver = text.Options;
        var named = text.Named;
        driver.ConnectTimeout = (int)connect.TotalMilliseconds;
        driver.AsyncTimeout = (int)attempt.TotalMilliseconds;
        if (code.AttemptTimeout is not null || !named.Contains("syncTimeout"))
            driver.SyncTimeout = (int)attempt.TotalMilliseconds;
        if (code.KeepAliveInterval is not null || !named.Contains("keepAlive"))
            driver.KeepAlive = (int)interval.TotalSeconds;
        driver.TcpKeepAlive = keepAlive;
        if (!named.Contains("abortConnect"))
            driver.AbortOnConnectFail = false;      // an application starts although Redis is away
        if (!named.Contains("connectRetry"))
            driver.ConnectRetry = 1;                // else opening takes several times ConnectTimeout; the driver tries on in the background
        if (!named.Contains("name"))
            driver.ClientName = ClientName();

        // No key of a connection string sets the following, so nothing of the user's is overwritten.
        driver.HeartbeatInterval = TimeSpan.FromMilliseconds(HeartbeatMilliseconds);

        // Our own loop retries and knows when the caller gave up. A backlog of the driver's would send commands
        // after a reconnect whose callers have long been told that they failed.
        driver.BacklogPolicy = BacklogPolicy.FailFast;
        return driver;
    }

    /// <summary>keepAlive=0 or less turns the driver's own probe off, and then says nothing about the interval.</summary>
    private static string[] KeepAliveKeys(ConnectionText? text) => text?.Options.KeepAlive > 0 ? ["keepAlive"] : [];

    /// <summary>What CLIENT LIST shows: the machine and the connection's name; Redis takes no blanks in it.</summary>
    private string ClientName()
    {
        var wanted = $"{Environment.MachineName}:resilient-redis{(name.Length == 0 ? "" : $":{name}")}";
        return string.Concat(wanted.Select(letter => letter is > ' ' and <= '~' ? letter : '-'));
    }

    private static TimeSpan Milliseconds(int value) => TimeSpan.FromMilliseconds(value);

    private static TimeSpan Longer(TimeSpan one, TimeSpan other) => one > other ? one : other;
}
