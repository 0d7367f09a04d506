using ShapWorker.Hosting;

namespace ShapWorker.Api;

/// <summary>The web role: where it listens, and what it answers.</summary>
internal static class ShapApi
{
    public static WebApplication Build(WebApplicationBuilder builder)
    {
        builder.Services.ConfigureHttpJsonOptions(json => json.SerializerOptions.TypeInfoResolverChain.Insert(0, ShapJson.Default));
        builder.Services.AddProblemDetails();
        builder.Services.AddExceptionHandler<ApiErrors>();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.AddServerHeader = false);
        if (ListenAddress.Choose(Environment.GetEnvironmentVariable("PORT"), builder.Configuration) is { } address)
            builder.WebHost.UseUrls(address);

        var app = builder.Build();
        app.UsePageHeaders();
        app.UseExceptionHandler();
        app.UseStatusCodePages();
        app.MapPage();
        app.MapJobs();
        app.MapOperations();
        return app;
    }
}
