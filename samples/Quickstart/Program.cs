#region readme
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Resilient.Redis.Queue;

var builder = Host.CreateApplicationBuilder(args);
builder.Services.AddResilientRedis().AddQueue("greetings").AddHandler<Greet, Greeter>().AddWorker();
using var host = builder.Build();
await host.StartAsync();

var queue = host.Services.GetRequiredService<IJobQueue>();
var (id, _) = await queue.EnqueueAsync(new Greet("Ada"));
Console.WriteLine(await queue.WaitForResultAsync<string>(id, TimeSpan.FromSeconds(30)));
await host.StopAsync();

record Greet(string Name);

class Greeter : IJobHandler<Greet>
{
    public async Task HandleAsync(Greet job, JobContext context, CancellationToken cancellationToken) =>
        context.SetResult($"Hello, {job.Name}!");
}
#endregion
