using System.Globalization;

namespace ShapWorker.Hosting;

/// <summary>Where the web role listens: 0.0.0.0:$PORT for a platform that sets PORT, else what ASP.NET Core was told, else loopback.</summary>
internal static class ListenAddress
{
    public const string Default = "http://127.0.0.1:5080";

    /// <summary>Null: ASP.NET Core has been told by <c>--urls</c>, <c>ASPNETCORE_URLS</c> or its ports and decides.</summary>
    /// <exception cref="SetupException">PORT is no port.</exception>
    public static string? Choose(string? port, IConfiguration configuration)
    {
        if (!string.IsNullOrWhiteSpace(port))
            return ForPort(port, "0.0.0.0");

        string[] told = ["urls", "http_ports", "https_ports"];
        return told.All(key => string.IsNullOrEmpty(configuration[key])) ? Default : null;
    }

    /// <exception cref="SetupException">It is no port.</exception>
    public static string ForPort(string port, string host) => ushort.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0
        ? $"http://{host}:{number}"
        : throw new SetupException($"PORT is '{port}'; it must be a number from 1 to 65535. Unset it to listen on {Default}.");
}
