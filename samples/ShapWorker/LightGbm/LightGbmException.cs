using System.Runtime.InteropServices;

namespace ShapWorker.LightGbm;

/// <summary>LightGBM could not be loaded, or refused a call.</summary>
internal sealed class LightGbmException(string message, Exception? inner = null) : Exception(message, inner)
{
    public static LightGbmException NotLoaded(Exception inner) => new(HowToInstall(inner.Message), inner);

    /// <summary>What to install on this machine, instead of the loader's list of the paths that it tried.</summary>
    private static string HowToInstall(string loaderMessage) => HowToInstall(
        RuntimeInformation.ProcessArchitecture,
        OperatingSystem.IsLinux() ? OSPlatform.Linux : OperatingSystem.IsMacOS() ? OSPlatform.OSX : OSPlatform.Windows,
        loaderMessage);

    public static string HowToInstall(Architecture architecture, OSPlatform system, string loaderMessage)
    {
        const string Failed = "LightGBM's native library could not be loaded: ";
        if (architecture != Architecture.X64)
        {
            return Failed + $"the NuGet package carries it for x64 only, and this process is {architecture}. "
                + "Run the sample with an x64 .NET SDK (or in an x64 container: docker build --platform linux/amd64), "
                + "or put a lib_lightgbm built for this machine beside the program.";
        }

        if (system == OSPlatform.Linux && loaderMessage.Contains("libgomp", StringComparison.Ordinal))
            return Failed + "it needs the OpenMP runtime libgomp. Install it: apt-get install -y libgomp1 (Debian, Ubuntu), dnf install libgomp (Fedora). On Alpine (musl) the library does not run.";
        if (system == OSPlatform.OSX)
            return Failed + "it needs the OpenMP runtime libomp. Install it: brew install libomp.";
        return Failed + "lib_lightgbm is not beside the program. Restore and build again (dotnet build), and publish for x64. "
            + (system == OSPlatform.Linux ? "On Linux it also needs libgomp: apt-get install -y libgomp1." : "On Windows it also needs the Visual C++ runtime: aka.ms/vs/17/release/vc_redist.x64.exe.");
    }
}
