using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Options;
using ShapWorker.Api;
using ShapWorker.Explaining;
using ShapWorker.Hosting;
using ShapWorker.LightGbm;
using ShapWorker.Verifying;

namespace ShapWorker;

internal static class Program
{
    public static async Task<int> Main(string[] arguments)
    {
        var command = CommandLine.Parse(arguments);
        try
        {
            return command.Role switch
            {
                Role.Help => Say(CommandLine.Usage, exitCode: 0),
                Role.Unknown => Say($"Not understood: {string.Join(' ', command.HostArguments)}\n\n{CommandLine.Usage}", exitCode: 2),
                Role.Verify => await Verification.RunAsync(command.Target),
                _ => await RunAsync(command),
            };
        }
        catch (Exception known) when (known is SetupException or LightGbmException or OptionsValidationException)
        {
            return Say(known.Message, exitCode: 1);
        }
        catch (IOException taken) when (taken.InnerException is AddressInUseException)
        {
            return Say($"{taken.Message} Stop the other program, or choose another port: PORT=8080, or --urls http://127.0.0.1:8080.", exitCode: 1);
        }
    }

    private static async Task<int> RunAsync(CommandLine command)
    {
        using var embedded = EmbeddedRedis.StartUnlessGiven(command.Role);
        using var host = Build(command, embedded?.Endpoint);
        await host.RunAsync();
        return 0;
    }

    /// <param name="command">Which parts to run.</param>
    /// <param name="redis">Where Redis is; null leaves it to REDIS_URL and the library's other sources.</param>
    internal static IHost Build(CommandLine command, string? redis)
    {
        // Not the folder it is started from: the host watches its content root, and from "/" that would take minutes.
        var root = AppContext.BaseDirectory;
        IHostApplicationBuilder builder = command.Serves
            ? WebApplication.CreateBuilder(new WebApplicationOptions { Args = command.HostArguments, ContentRootPath = root })
            : Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { Args = command.HostArguments, ContentRootPath = root });
        var log = PlainLog.AddTo(builder);

        var queue = builder.Services
            .AddResilientRedis(options => options.ConnectionString = redis)
            .AddHealthCheck()
            .AddQueue("shap", options => options.SerializerOptions = ShapJson.ForJobs())
            .AddHealthCheck();

        if (command.Works)
        {
            // Trained now, not at the first job: a missing native library must stop the start, not fail jobs.
            builder.Services.AddSingleton(PenguinModel.Train());
            queue.AddHandler<ExplainJob, ExplainHandler>().AddWorker();
        }

        IHost host = builder is WebApplicationBuilder web ? ShapApi.Build(web) : ((HostApplicationBuilder)builder).Build();
        log.Watch(host);
        return host;
    }

    private static int Say(string text, int exitCode)
    {
        (exitCode == 0 ? Console.Out : Console.Error).WriteLine(text);
        return exitCode;
    }
}
