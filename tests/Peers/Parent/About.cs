using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using Hangfire.Redis.StackExchange;
using Resilient.Redis.Benchmarks;
using StackExchange.Redis;

namespace Resilient.Redis.Peers.Parent;

/// <summary>What a reader of the table has to know of the run.</summary>
internal static class About
{
    public static string Run(Version redis, Arguments arguments, TimeSpan took)
    {
        var versions = new List<string>
        {
            $"redis-server {redis}",
            RuntimeInformation.FrameworkDescription,
            $"StackExchange.Redis {Version(typeof(ConnectionMultiplexer))}",
        };
        if (arguments.Contenders.Contains(Contender.BullMQ))
            versions.Add($"BullMQ {NodePackages.Version("bullmq")} with ioredis {NodePackages.Version("ioredis")}");
        if (arguments.Contenders.Contains(Contender.Hangfire))
            versions.Add($"Hangfire.Core {Version(typeof(Hangfire.JobStorage))} with Hangfire.Redis.StackExchange {Version(typeof(RedisStorage))}");
        return string.Create(CultureInfo.InvariantCulture, $"{string.Join(", ", versions)}; {Cores.OfMachine} cores, {ClientCore.Text}; medians of {arguments.Rounds} rounds in turns; {took.TotalSeconds:0} s in all.");
    }

    private static string Version(Type type) =>
        type.Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? type.Assembly.GetName().Version!.ToString(3);
}
