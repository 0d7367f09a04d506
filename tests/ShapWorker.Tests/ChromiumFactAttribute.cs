namespace ShapWorker.Tests;

/// <summary>A fact that needs a browser; it is skipped, with the reason, where none is found.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class ChromiumFactAttribute : FactAttribute
{
    private static readonly string[] s_places =
    [
        "/usr/bin/chromium",
        "/usr/bin/chromium-browser",
        "/usr/bin/google-chrome",
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        @"C:\Program Files\Google\Chrome\Application\chrome.exe",
    ];

    public ChromiumFactAttribute()
    {
        if (Path is null)
            Skip = $"No browser is installed at any of: {string.Join(", ", s_places)}. On Debian: apt-get install -y --no-install-recommends chromium fonts-dejavu-core.";
    }

    public static string? Path => s_places.FirstOrDefault(File.Exists);
}
