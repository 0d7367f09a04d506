namespace ShapWorker.Api;

/// <summary>The page, from the program itself; and the headers that keep a browser from running anything else.</summary>
internal static class PageEndpoints
{
    // The only inline style allowed is the picture's own, by its hash: the page puts the SVG into itself.
    private static readonly string s_policy =
        $"default-src 'none'; script-src 'self'; style-src 'self' '{WaterfallSvg.StyleHash}'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

    public static void UsePageHeaders(this WebApplication app) => app.Use(static (context, next) =>
    {
        // Only just before the answer starts: the exception handler wipes what was set earlier.
        context.Response.OnStarting(static state =>
        {
            var headers = ((HttpResponse)state).Headers;
            headers.ContentSecurityPolicy = s_policy;
            headers.XContentTypeOptions = "nosniff";
            headers["Referrer-Policy"] = "no-referrer";
            headers.CacheControl = "no-store";
            return Task.CompletedTask;
        }, context.Response);
        return next(context);
    });

    public static void MapPage(this WebApplication app)
    {
        Map("/", "index.html", "text/html; charset=utf-8");
        Map("/app.css", "app.css", "text/css; charset=utf-8");
        Map("/app.js", "app.js", "text/javascript; charset=utf-8");
        Map("/favicon.svg", "favicon.svg", "image/svg+xml; charset=utf-8");

        void Map(string path, string resource, string contentType)
        {
            using var stream = typeof(PageEndpoints).Assembly.GetManifestResourceStream(resource)!;
            using var content = new MemoryStream();
            stream.CopyTo(content);
            var bytes = content.ToArray();
            app.MapGet(path, () => Results.Bytes(bytes, contentType));
        }
    }
}
