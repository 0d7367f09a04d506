using System.Net;
using StackExchange.Redis;
using StackExchange.Redis.Maintenance;
using StackExchange.Redis.Profiling;

namespace Resilient.Redis.Connections;

/// <summary>Slot 0 as the container hands it out: all of it, except that closing does nothing, since the pool owns it.</summary>
/// <remarks>The container disposes what its factories made; the driver's Dispose waits for replies and hangs for seconds on a frozen server.</remarks>
internal sealed class SharedMultiplexer(IConnectionMultiplexer inner) : IConnectionMultiplexer
{
    public event EventHandler<RedisErrorEventArgs> ErrorMessage { add => inner.ErrorMessage += value; remove => inner.ErrorMessage -= value; }

    public event EventHandler<ConnectionFailedEventArgs> ConnectionFailed { add => inner.ConnectionFailed += value; remove => inner.ConnectionFailed -= value; }

    public event EventHandler<InternalErrorEventArgs> InternalError { add => inner.InternalError += value; remove => inner.InternalError -= value; }

    public event EventHandler<ConnectionFailedEventArgs> ConnectionRestored { add => inner.ConnectionRestored += value; remove => inner.ConnectionRestored -= value; }

    public event EventHandler<EndPointEventArgs> ConfigurationChanged { add => inner.ConfigurationChanged += value; remove => inner.ConfigurationChanged -= value; }

    public event EventHandler<EndPointEventArgs> ConfigurationChangedBroadcast { add => inner.ConfigurationChangedBroadcast += value; remove => inner.ConfigurationChangedBroadcast -= value; }

    public event EventHandler<ServerMaintenanceEvent> ServerMaintenanceEvent { add => inner.ServerMaintenanceEvent += value; remove => inner.ServerMaintenanceEvent -= value; }

    public event EventHandler<HashSlotMovedEventArgs> HashSlotMoved { add => inner.HashSlotMoved += value; remove => inner.HashSlotMoved -= value; }

    public string ClientName => inner.ClientName;

    public string Configuration => inner.Configuration;

    public int TimeoutMilliseconds => inner.TimeoutMilliseconds;

    public long OperationCount => inner.OperationCount;

    [Obsolete("Not supported by the driver.")]
    public bool PreserveAsyncOrder { get => false; set { } }

    public bool IsConnected => inner.IsConnected;

    public bool IsConnecting => inner.IsConnecting;

    [Obsolete("Set it with ConfigureConnection.", error: true)]
    public bool IncludeDetailInExceptions { get => true; set { } }

    public int StormLogThreshold { get => inner.StormLogThreshold; set => inner.StormLogThreshold = value; }

    public void RegisterProfiler(Func<ProfilingSession?> profilingSessionProvider) => inner.RegisterProfiler(profilingSessionProvider);

    public ServerCounters GetCounters() => inner.GetCounters();

    public EndPoint[] GetEndPoints(bool configuredOnly = false) => inner.GetEndPoints(configuredOnly);

#pragma warning disable SER308 // They block because the caller asks for it; the interface has them.
    public void Wait(Task task) => inner.Wait(task);

    public T Wait<T>(Task<T> task) => inner.Wait(task);

    public void WaitAll(params Task[] tasks) => inner.WaitAll(tasks);
#pragma warning restore SER308

    public int HashSlot(RedisKey key) => inner.HashSlot(key);

    public ISubscriber GetSubscriber(object? asyncState = null) => inner.GetSubscriber(asyncState);

    public IDatabase GetDatabase(int db = -1, object? asyncState = null) => inner.GetDatabase(db, asyncState);

    public IServer GetServer(string host, int port, object? asyncState = null) => inner.GetServer(host, port, asyncState);

    public IServer GetServer(string hostAndPort, object? asyncState = null) => inner.GetServer(hostAndPort, asyncState);

    public IServer GetServer(IPAddress host, int port) => inner.GetServer(host, port);

    public IServer GetServer(EndPoint endpoint, object? asyncState = null) => inner.GetServer(endpoint, asyncState);

    public IServer GetServer(RedisKey key, object? asyncState = null, CommandFlags flags = CommandFlags.None) => inner.GetServer(key, asyncState, flags);

    public IServer[] GetServers() => inner.GetServers();

    public Task<bool> ConfigureAsync(TextWriter? log = null) => inner.ConfigureAsync(log);

    public bool Configure(TextWriter? log = null) => inner.Configure(log);

    public string GetStatus() => inner.GetStatus();

    public void GetStatus(TextWriter log) => inner.GetStatus(log);

    public override string ToString() => inner.ToString();

    public string? GetStormLog() => inner.GetStormLog();

    public void ResetStormLog() => inner.ResetStormLog();

    public long PublishReconfigure(CommandFlags flags = CommandFlags.None) => inner.PublishReconfigure(flags);

    public Task<long> PublishReconfigureAsync(CommandFlags flags = CommandFlags.None) => inner.PublishReconfigureAsync(flags);

    public int GetHashSlot(RedisKey key) => inner.GetHashSlot(key);

    public void ExportConfiguration(Stream destination, ExportOptions options = ExportOptions.All) => inner.ExportConfiguration(destination, options);

    public void AddLibraryNameSuffix(string suffix) => inner.AddLibraryNameSuffix(suffix);

    public void Close(bool allowCommandsToComplete = true)
    {
    }

    public Task CloseAsync(bool allowCommandsToComplete = true) => Task.CompletedTask;

    public void Dispose()
    {
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
