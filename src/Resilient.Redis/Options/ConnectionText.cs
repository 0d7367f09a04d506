using System.Net;
using StackExchange.Redis;

namespace Resilient.Redis.Options;

/// <summary>A connection string or URL, read into the driver's options, and which settings it names.</summary>
/// <remarks>The driver's options cannot tell "set to the default" from "not set", and its errors repeat what they could not read.</remarks>
/// <param name="Options">What the text says, all else at the driver's defaults.</param>
/// <param name="Named">The driver's keys that the text sets: those are kept, whatever our defaults are.</param>
internal sealed record ConnectionText(ConfigurationOptions Options, IReadOnlySet<string> Named)
{
    private static readonly HashSet<string> s_secretKeys = new(StringComparer.OrdinalIgnoreCase) { "password", "user", "sentinelPassword", "sentinelUser" };

    /// <summary>Returns null when a fault was found.</summary>
    public static ConnectionText? Read(string text, string source, OptionsCheck check) =>
        RedisUrl.LooksLikeOne(text) ? FromUrl(text, source, check) : FromString(text, source, check);

    private static ConnectionText? FromUrl(string text, string source, OptionsCheck check)
    {
        if (RedisUrl.Read(text, source, check) is not { } url)
            return null;
        var options = new ConfigurationOptions();
        if (url.Settings.Count > 0 && !TryParse(url.Settings, source, check, out options))
            return null;
        foreach (var (host, port) in url.Hosts)
            options.EndPoints.Add(host, port);
        options.User = url.User;
        options.Password = url.Password;
        options.Ssl = url.Tls;
        var named = new HashSet<string>(url.Settings.Keys, StringComparer.OrdinalIgnoreCase) { "ssl" };
        return new ConnectionText(options, named);
    }

    private static ConnectionText? FromString(string text, string source, OptionsCheck check)
    {
        var settings = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        var hosts = new List<string>();
        var afterSecret = false;
        foreach (var token in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = token.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0)
            {
                var key = token[..equals].Trim();
                if (afterSecret && !IsKnown(key))
                    return Refuse("what follows the password is no known key; a password with a comma in it cannot be written here, write a redis:// URL with %2C");
                settings[key] = token[(equals + 1)..].Trim();
                afterSecret |= s_secretKeys.Contains(key);
            }
            else if (afterSecret)
            {
                return Refuse("what follows the password is no key=value; hosts must stand first, and a password with a comma in it cannot be written here: write a redis:// URL with %2C");
            }
            else if (!IsHost(token))
            {
                return Refuse("it begins with something that is no host, host:port or [IPv6]:port; hidden, since it may hold a password");
            }
            else
            {
                hosts.Add(token);
            }
        }

        if (hosts.Count == 0)
            return Refuse("it names no host");
        if (!TryParse(settings, source, check, out var options))
            return null;
        foreach (var host in hosts)
            options.EndPoints.Add(host);
        return new ConnectionText(options, new HashSet<string>(settings.Keys, StringComparer.OrdinalIgnoreCase));

        ConnectionText? Refuse(string reason)
        {
            check.Fault($"{source} cannot be used: {reason}. It must be a redis:// URL, or a StackExchange.Redis connection string such as localhost:6379,connectTimeout=2000.");
            return null;
        }
    }

    /// <summary>One setting at a time, so that each fault is told, and told in our words.</summary>
    private static bool TryParse(IReadOnlyDictionary<string, string> settings, string source, OptionsCheck check, out ConfigurationOptions options)
    {
        var good = true;
        foreach (var (key, value) in settings)
        {
            if (!IsKnown(key))
                good = Fault($"{source} has {(key.All(char.IsAsciiLetter) && value.Length > 0 ? $"the key '{key}'" : "a key (hidden, since it may be part of a password)")}, which the driver does not know.");
            else if (!Accepts(key, value))
                good = Fault($"{source} has a value for '{key}' that cannot be read{(s_secretKeys.Contains(key) ? "" : $": '{value}'")}.");
        }

        options = good && settings.Count > 0 ? ConfigurationOptions.Parse(string.Join(',', settings.Select(pair => $"{pair.Key}={pair.Value}"))) : new();
        return good;

        bool Fault(string text)
        {
            check.Fault(text);
            return false;
        }
    }

    private static bool IsKnown(string key)
    {
        try
        {
            ConfigurationOptions.Parse($"{key}=1");
            return true;
        }
        catch (ArgumentOutOfRangeException)
        {
            return true;        // known, but 1 is no value for it
        }
        catch (UriFormatException)
        {
            return true;        // tunnel=
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private static bool Accepts(string key, string value)
    {
        try
        {
            ConfigurationOptions.Parse($"{key}={value}");
            return true;
        }
        catch (Exception error) when (error is ArgumentException or FormatException)
        {
            return false;
        }
    }

    private static bool IsHost(string token)
    {
        if (token.StartsWith('!'))
            return true;        // the driver's notation of a Unix domain socket
        if (IPEndPoint.TryParse(token, out _))
            return true;
        var colon = token.LastIndexOf(':');
        var host = colon < 0 ? token : token[..colon];
        var goodPort = colon < 0 || (ushort.TryParse(token[(colon + 1)..], out var port) && port > 0);
        return goodPort && Uri.CheckHostName(host) is UriHostNameType.Dns or UriHostNameType.IPv4;
    }
}
