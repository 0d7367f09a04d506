using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Resilient.Redis.Queue.Torture.Recording;

namespace Resilient.Redis.Queue.Torture.Children;

/// <summary>A producer process: several lanes, each of which does one thing after the other.</summary>
internal static class ProducerProgram
{
    private const int Lanes = 4;

    public static async Task<int> RunAsync(string name, string endpoint, string folder, int seed)
    {
        using var journal = new Journal(Path.Combine(folder, $"{name}.jsonl"), name);
        var orders = new Orders(order => throw new InvalidOperationException($"A producer knows no order '{order}'."));
        var (builder, _) = Settings.Build(endpoint);
        using var host = builder.Build();
        await host.StartAsync();
        var queue = host.Services.GetRequiredKeyedService<IJobQueue>(Settings.Queue);
        await Task.WhenAll(Enumerable.Range(0, Lanes).Select(lane => new ProducerLane(new RecordingQueue(queue, journal), new Random(seed * Lanes + lane), orders.Stopped).RunAsync()));
        await host.StopAsync();
        return 0;
    }
}
