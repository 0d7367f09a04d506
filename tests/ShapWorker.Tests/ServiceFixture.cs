using Resilient.Redis.TestKit;

namespace ShapWorker.Tests;

/// <summary>One server and one service for the tests that only talk to them.</summary>
public sealed class ServiceFixture : IAsyncLifetime
{
    private TestServer? _redis;

    internal ShapService Service { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        _redis = await TestServer.StartAsync();
        Service = await ShapService.StartAsync(_redis);
    }

    public async Task DisposeAsync()
    {
        await Service.DisposeAsync();
        await _redis!.DisposeAsync();
    }
}

[CollectionDefinition(Name)]
public sealed class ServiceTests : ICollectionFixture<ServiceFixture>
{
    public const string Name = "service";
}
