using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Resilient.Redis.TestKit;

namespace Resilient.Redis.Tests.Integration;

public sealed class TelemetryTests
{
    private static readonly string[] s_tags =
    [
        "db.system.name", "db.client.connection.pool.name", "db.client.connection.state", "db.operation.name", "server.address", "server.port", "error.type",
        "resilient.redis.reconnect", "resilient.redis.seen_by", "resilient.redis.finding",
    ];

    [Fact]
    public async Task One_outage_is_told_by_every_instrument_and_span()
    {
        const string Secret = "se-cr-et";
        await using var server = await TestServer.StartAsync();
        await using var proxy = FaultProxy.Start(server);
        var builder = Host.CreateApplicationBuilder();
        builder.Services.AddResilientRedis("orders", o => (o.ConnectionString, o.AttemptTimeout, o.PoolSize) = ($"{proxy.Endpoint},name={Secret}", Testing.Attempt, 1));
        using var host = builder.Build();
        using var heard = new Heard(host.Services.GetRequiredService<IMeterFactory>(), "orders");
        await host.StartAsync();
        var redis = host.Services.GetRequiredKeyedService<IResilientRedis>("orders");
        await redis.IncrementAsync("private-key", RetrySafety.Idempotent);
        await redis.PingAsync();
        heard.Collect();
        heard.Last("resilient.redis.available").Should().Be(1);
        heard.Sum("resilient.redis.connects", "resilient.redis.reconnect", false).Should().Be(1);

        // A retry: the reply is lost once.
        proxy.CutAfterReplyBytes(0);
        await redis.IncrementAsync("private-key", RetrySafety.Idempotent);
        heard.Sum("resilient.redis.retries").Should().BePositive();
        heard.Spans.Should().Contain(span => span.Events.Any(told => told.Name == "retry"));

        // The outage.
        await server.KillAsync();
        await Eventually.TrueAsync(() => ((ResilientRedis)redis).Pool is { Grace.Ticks: 0 } && !((ResilientRedis)redis).Availability.IsUp, TimeSpan.FromSeconds(5));
        await Testing.FailsAsync<RedisUnavailableException>(() => redis.IncrementAsync("private-key", RetrySafety.Idempotent));
        heard.Collect();
        heard.Last("resilient.redis.available").Should().Be(0);
        heard.Last("db.client.connection.count", "db.client.connection.state", "down").Should().Be(1);
        heard.Sum("resilient.redis.failed_fast").Should().BePositive();
        heard.Sum("resilient.redis.losses").Should().BePositive();
        heard.Spans.Should().Contain(span => span.Status == ActivityStatusCode.Error && span.GetTagItem("error.type") != null);
        heard.Points.Should().Contain(point => point.Name == "db.client.operation.duration" && point.Tags.ContainsKey("error.type"));

        // Back, and then silent.
        await server.RestartAsync();
        await Eventually.TrueAsync(() => ((ResilientRedis)redis).Availability.IsUp, TimeSpan.FromSeconds(5));
        proxy.Silence();
        await Eventually.TrueAsync(
            async () =>
            {
                await redis.IncrementAsync("private-key", RetrySafety.Idempotent);
                return heard.Sum("resilient.redis.watchdog.findings") > 0;
            },
            TimeSpan.FromSeconds(15));
        heard.Collect();
        heard.Last("resilient.redis.available").Should().Be(1);
        heard.Sum("resilient.redis.connects", "resilient.redis.reconnect", true).Should().BePositive();
        heard.Points.Should().Contain(point => point.Name == "db.client.operation.duration" && point.Value > 0 && (string?)point.Tags.GetValueOrDefault("db.operation.name") == "PING");

        heard.Points.SelectMany(point => point.Tags.Keys).Concat(heard.Spans.SelectMany(span => span.TagObjects.Select(tag => tag.Key))).Distinct().Should().BeSubsetOf(s_tags);
        var all = string.Join('\n', heard.Points.SelectMany(point => point.Tags.Values).Concat(heard.Spans.SelectMany(span => span.TagObjects.Select(tag => tag.Value).Append(span.DisplayName))));
        all.Should().NotContain(Secret).And.NotContain("private-key");
        await host.StopAsync();
    }

    [Fact]
    public async Task Two_pools_of_one_process_do_not_mix()
    {
        await using var server = await TestServer.StartAsync();
        var builder = Host.CreateApplicationBuilder();
        builder.Services.AddResilientRedis("one", o => o.ConnectionString = server.Endpoint);
        builder.Services.AddResilientRedis("two", o => o.ConnectionString = server.Endpoint);
        using var host = builder.Build();
        var meters = host.Services.GetRequiredService<IMeterFactory>();
        using var one = new Heard(meters, "one");
        using var two = new Heard(meters, "two");
        await host.StartAsync();

        for (var i = 0; i < 3; i++)
            await host.Services.GetRequiredKeyedService<IResilientRedis>("one").IncrementAsync("n", RetrySafety.Idempotent);

        one.Points.Count(point => point.Name == "db.client.operation.duration").Should().Be(3);
        two.Points.Should().NotContain(point => point.Name == "db.client.operation.duration");
        await host.StopAsync();
    }

    /// <summary>What a collector in memory gets of one pool.</summary>
    private sealed class Heard : IDisposable
    {
        private readonly MeterListener _meters = new();
        private readonly ActivityListener _spans;
        private readonly string _pool;

        public Heard(IMeterFactory scope, string pool)
        {
            _pool = pool;
            _meters.InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter.Name == ResilientRedisTelemetry.MeterName && ReferenceEquals(instrument.Meter.Scope, scope))
                    listener.EnableMeasurementEvents(instrument);
            };
            _meters.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Add(instrument, value, tags));
            _meters.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Add(instrument, value, tags));
            _meters.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Add(instrument, value, tags));
            _meters.Start();
            _spans = new ActivityListener
            {
                ShouldListenTo = static source => source.Name == ResilientRedisTelemetry.ActivitySourceName,
                Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
                ActivityStopped = span =>
                {
                    if ((string?)span.GetTagItem("db.client.connection.pool.name") == pool)
                        Spans.Enqueue(span);
                },
            };
            ActivitySource.AddActivityListener(_spans);
        }

        public ConcurrentQueue<Point> Points { get; } = [];

        public ConcurrentQueue<Activity> Spans { get; } = [];

        public void Collect() => _meters.RecordObservableInstruments();

        public double Sum(string name, string? tag = null, object? value = null) => Of(name, tag, value).Sum(point => point.Value);

        public double Last(string name, string? tag = null, object? value = null) => Of(name, tag, value).Last().Value;

        public void Dispose()
        {
            _meters.Dispose();
            _spans.Dispose();
        }

        private IEnumerable<Point> Of(string name, string? tag, object? value) => Points.Where(point => point.Name == name && (tag is null || Equals(point.Tags.GetValueOrDefault(tag), value)));

        private void Add(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            var point = new Point(instrument.Name, value, tags.ToArray().ToDictionary());
            if ((string?)point.Tags.GetValueOrDefault("db.client.connection.pool.name") == _pool)
                Points.Enqueue(point);
        }
    }

    private sealed record Point(string Name, double Value, Dictionary<string, object?> Tags);
}
