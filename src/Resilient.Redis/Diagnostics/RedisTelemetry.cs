using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Net;
using Resilient.Redis.Connections;
using Resilient.Redis.Options;
using Resilient.Redis.Resilience;

namespace Resilient.Redis.Diagnostics;

/// <summary>The spans and instruments of one pool. Nobody listening costs a call two reads.</summary>
/// <remarks>Names: https://opentelemetry.io/docs/specs/semconv/database/. No key, no value and no connection text is ever a tag.</remarks>
internal sealed class RedisTelemetry : IDisposable
{
    /// <summary>The boundaries that the conventions advise for this instrument, in seconds.</summary>
    private static readonly double[] s_boundaries = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10];

    private readonly ActivitySource _source = new(ResilientRedisTelemetry.ActivitySourceName);
    private readonly Meter _meter;
    private readonly bool _ownsMeter;
    private readonly TimeProvider _time;
    private readonly TagList _tags;
    private readonly Histogram<double> _duration;
    private readonly Counter<long> _retries;
    private readonly Counter<long> _connects;
    private readonly Counter<long> _losses;
    private readonly Counter<long> _findings;
    private readonly Counter<long> _failedFast;

    public RedisTelemetry(IMeterFactory? meters, ResolvedRedisOptions options, TimeProvider time)
    {
        _time = time;
        _ownsMeter = meters is null;
        _meter = meters?.Create(ResilientRedisTelemetry.MeterName) ?? new Meter(ResilientRedisTelemetry.MeterName);
        _tags = new TagList { { "db.system.name", "redis" }, { "db.client.connection.pool.name", options.Name.Length == 0 ? "redis" : options.Name } };
        if (options.Driver.EndPoints is [DnsEndPoint or IPEndPoint, ..] and var endpoints)
        {
            var (host, port) = endpoints[0] is DnsEndPoint dns ? (dns.Host, dns.Port) : (((IPEndPoint)endpoints[0]).Address.ToString(), ((IPEndPoint)endpoints[0]).Port);
            _tags.Add("server.address", host);
            _tags.Add("server.port", port == 0 ? 6379 : port);
        }

        _duration = _meter.CreateHistogram("db.client.operation.duration", "s", "How long a call took, all attempts included.", null, new InstrumentAdvice<double> { HistogramBucketBoundaries = s_boundaries });
        _retries = _meter.CreateCounter<long>("resilient.redis.retries", "{retry}", "Attempts after the first.");
        _connects = _meter.CreateCounter<long>("resilient.redis.connects", "{connection}", "Connections that began to work, the first time or again.");
        _losses = _meter.CreateCounter<long>("resilient.redis.losses", "{connection}", "Connections that stopped working.");
        _findings = _meter.CreateCounter<long>("resilient.redis.watchdog.findings", "{finding}", "What the watchdog found.");
        _failedFast = _meter.CreateCounter<long>("resilient.redis.failed_fast", "{call}", "Calls that failed at once because Redis was known to be away.");
    }

    public bool IsListening => _duration.Enabled || _source.HasListeners();

    /// <summary>The two that are asked for when somebody collects. They read fields, and never wait.</summary>
    public void Observe(ConnectionPool pool, Availability availability)
    {
        _meter.CreateObservableGauge("resilient.redis.available", () => new Measurement<int>(availability.IsUp ? 1 : 0, _tags), "1", "1 while calls are let through, 0 while they fail fast.");
        _meter.CreateObservableUpDownCounter("db.client.connection.count", () => Count(pool), "{connection}", "Connections of the pool by state.");
    }

    public Activity? Start(string? operation)
    {
        var activity = _source.StartActivity(operation ?? "redis", ActivityKind.Client);
        if (activity is { IsAllDataRequested: true })
        {
            foreach (var (name, value) in _tags)
                activity.SetTag(name, value);
            if (operation is not null)
                activity.SetTag("db.operation.name", operation);
        }

        return activity;
    }

    public void Ended(Activity? activity, long began, string? operation, Exception? error)
    {
        var type = error is null ? null : TypeOf(error);
        if (type is not null)
            activity?.SetTag("error.type", type).SetStatus(ActivityStatusCode.Error, type);
        if (!_duration.Enabled)
            return;
        var tags = _tags;
        if (operation is not null)
            tags.Add("db.operation.name", operation);
        if (type is not null)
            tags.Add("error.type", type);
        _duration.Record(_time.GetElapsedTime(began).TotalSeconds, tags);
    }

    public void Retried(Exception failure)
    {
        var type = TypeOf(failure);
        _retries.Add(1, With("error.type", type));
        Activity.Current?.AddEvent(new ActivityEvent("retry", tags: new ActivityTagsCollection { ["error.type"] = type }));
    }

    public void Connected(bool again) => _connects.Add(1, With("resilient.redis.reconnect", again));

    public void Lost(LossSeenBy by) => _losses.Add(1, With("resilient.redis.seen_by", by switch { LossSeenBy.Event => "driver", LossSeenBy.Call => "call", LossSeenBy.Closing => "closing", _ => "watchdog" }));

    /// <param name="finding">silent: it owes replies, or the driver lost it. dead: and a fresh one answers, so it is replaced. deaf: only its subscriptions.</param>
    public void Found(string finding) => _findings.Add(1, With("resilient.redis.finding", finding));

    public void FailedFast() => _failedFast.Add(1, _tags);

    public void Dispose()
    {
        _source.Dispose();
        if (_ownsMeter)
            _meter.Dispose();
    }

    private TagList With(string name, object value)
    {
        var tags = _tags;
        tags.Add(name, value);
        return tags;
    }

    private Measurement<int>[] Count(ConnectionPool pool)
    {
        var open = pool.Open.ToList();
        var used = open.Count(connection => connection is { IsUp: true, Outstanding: > 0 });
        var down = open.Count(connection => !connection.IsUp);
        const string State = "db.client.connection.state";
        return [new(used, With(State, "used")), new(open.Count - used - down, With(State, "idle")), new(down, With(State, "down"))];
    }

    /// <summary>Redis's own word for it where there is one, such as OOM; few values, so that they may be a tag.</summary>
    private static string TypeOf(Exception error) => error switch
    {
        RedisRefusedException refused => refused.ErrorCode,
        RedisUnavailableException { InnerException: { } inner } when RedisErrors.IsDriver(inner) || inner is TimeoutException => RedisErrors.CodeOf(inner),
        RedisUnavailableException => "AWAY",
        OperationCanceledException => "CANCELED",
        _ when RedisErrors.IsDriver(error) => RedisErrors.CodeOf(error),
        _ => error.GetType().FullName ?? "_OTHER",
    };
}
