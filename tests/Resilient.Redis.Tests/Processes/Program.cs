using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Resilient.Redis.Diagnostics;
using StackExchange.Redis;

namespace Resilient.Redis.Tests.Processes;

/// <summary>This assembly as a program: a process whose thread pool can be starved without starving the tests.</summary>
public static class Program
{
    private const int Blocked = 64;

    public static void Main(string[] args)
    {
        if (args is not ["starve", var endpoint, var dedicated, var seconds])
            throw new ArgumentException("starve ENDPOINT true|false SECONDS");
        ThreadPool.SetMinThreads(Environment.ProcessorCount, Environment.ProcessorCount); // as any program's, and not the test host's
        var report = Starve(endpoint, bool.Parse(dedicated), TimeSpan.FromSeconds(int.Parse(seconds, CultureInfo.InvariantCulture)));
        Console.WriteLine(JsonSerializer.Serialize(report));

        // Not all that was begun can end while the pool is starved.
        Environment.Exit(0);
    }

    /// <summary>Sync user code blocks 64 threads of the pool; meanwhile a thread of its own beats, asks for health and starts async calls.</summary>
    private static StarvationReport Starve(string endpoint, bool dedicated, TimeSpan length)
    {
        var redis = ResilientRedis.Create(new() { ConnectionString = endpoint, AttemptTimeout = TimeSpan.FromSeconds(1), TotalTimeout = TimeSpan.FromSeconds(3), DedicatedThreads = dedicated });
        var health = new RedisHealthCheck(redis, TimeProvider.System);
        var context = new HealthCheckContext { Registration = new("redis", health, null, null) };
        redis.PingAsync().AsTask().GetAwaiter().GetResult();
        health.CheckHealthAsync(context).GetAwaiter().GetResult();

        using var ended = new ManualResetEventSlim();
        for (var i = 0; i < Blocked; i++)
            ThreadPool.QueueUserWorkItem(_ => ended.Wait());

        var (beats, missed, unhealthy) = (0, 0, 0);
        var healthMs = new List<double>();
        var errors = new List<string>();
        var calls = new List<Task<long>>();
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed < length)
        {
            var beat = Stopwatch.StartNew();
            try
            {
                var connection = redis.GetConnectionAsync().AsTask();
                if (!connection.Wait(TimeSpan.FromSeconds(1)))
                    throw new TimeoutException("no connection");
                connection.Result.GetDatabase().StringIncrement("beats");
                beats++;
            }
            catch (Exception error) when (error is RedisException or TimeoutException or AggregateException or ResilientRedisException)
            {
                missed++;
                errors.Add((error.InnerException ?? error).Message);
            }

            beat.Restart();
            var result = health.CheckHealthAsync(context).GetAwaiter().GetResult();
            healthMs.Add(beat.Elapsed.TotalMilliseconds);
            if (result.Status != HealthStatus.Healthy)
                unhealthy++;
            calls.Add(redis.ExecuteAsync(static db => db.StringIncrementAsync("calls"), RetrySafety.IfNotSent).AsTask());
            Thread.Sleep(100);
        }

        ended.Set();
        Task.WaitAll([.. calls.Select(call => call.ContinueWith(_ => { }, TaskScheduler.Default))], TimeSpan.FromSeconds(20));
        errors.AddRange(calls.Where(call => call.IsFaulted).Select(call => call.Exception!.InnerException!.Message));
        healthMs.Sort();
        return new(beats, missed, healthMs[(int)(healthMs.Count * 0.99)], healthMs.Count, unhealthy, calls.Count(call => call.IsCompletedSuccessfully), calls.Count(call => !call.IsCompleted), errors);
    }
}

/// <param name="Beats">Sync calls that came through.</param>
/// <param name="Missed">Those that failed.</param>
/// <param name="HealthP99Ms">How long a health answer took.</param>
/// <param name="HealthAnswers">How many there were.</param>
/// <param name="Unhealthy">How many of them said that Redis is away.</param>
/// <param name="Succeeded">Async calls that succeeded.</param>
/// <param name="Unfinished">Async calls that had not ended half a minute later.</param>
/// <param name="Errors">What the failed ones said.</param>
public sealed record StarvationReport(int Beats, int Missed, double HealthP99Ms, int HealthAnswers, int Unhealthy, int Succeeded, int Unfinished, List<string> Errors);
