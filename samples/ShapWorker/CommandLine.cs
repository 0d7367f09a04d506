namespace ShapWorker;

/// <summary>What the program is to do.</summary>
internal enum Role
{
    All,
    Web,
    Worker,
    Verify,
    Help,
    Unknown,
}

/// <summary>The command line: a role, and what ASP.NET Core reads itself.</summary>
/// <param name="Role">The first argument; web and worker together when there is none.</param>
/// <param name="Target">The service to verify, where one is given.</param>
/// <param name="HostArguments">Switches such as <c>--urls</c>, handed on untouched.</param>
internal sealed record CommandLine(Role Role, Uri? Target, string[] HostArguments)
{
    public const string Usage = """
        Usage: ShapWorker [role] [ASP.NET Core's own switches, such as --urls http://127.0.0.1:8080]

          (none)         web and worker together; without REDIS_URL an embedded Redis-compatible server
          web            the API and the page only         (needs REDIS_URL)
          worker         explains jobs only, no HTTP       (needs REDIS_URL)
          verify [url]   checks a running service: PING, health, a job, its sum; exit code 0 or 1
          help           this text

        Environment: REDIS_URL, REDIS_TIMEOUT, REDIS_SOCKET_KEEPALIVE, REDIS_CONNECTION_POOL_SIZE,
        AGGRESSIVE_MEMORY_MANAGEMENT, PORT. See README.md.
        """;

    public bool Serves => Role is Role.All or Role.Web;

    public bool Works => Role is Role.All or Role.Worker;

    public static CommandLine Parse(string[] arguments)
    {
        if (arguments is [] || arguments[0].StartsWith("--", StringComparison.Ordinal) && arguments[0] is not "--help")
            return Hosted(Role.All, arguments);
        return arguments[0] switch
        {
            "web" => Hosted(Role.Web, arguments[1..]),
            "worker" => Hosted(Role.Worker, arguments[1..]),
            "verify" => Verified(arguments[1..]),
            "help" or "--help" or "-h" or "-?" => new(Role.Help, null, []),
            _ => new(Role.Unknown, null, arguments),
        };
    }

    /// <summary>Only switches may follow a role: a stray word is a slip (`worker web`), and ASP.NET Core would drop it in silence.</summary>
    private static CommandLine Hosted(Role role, string[] arguments)
    {
        for (var i = 0; i < arguments.Length; i++)
        {
            if (!arguments[i].StartsWith("--", StringComparison.Ordinal))
                return new(Role.Unknown, null, [arguments[i]]);
            if (!arguments[i].Contains('='))
                i++;   // --name value
        }

        return new(role, null, arguments);
    }

    private static CommandLine Verified(string[] arguments) => arguments switch
    {
        [] => new(Role.Verify, null, []),
        [var text] when Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https" => new(Role.Verify, url, []),
        _ => new(Role.Unknown, null, arguments),
    };
}
