using System.Runtime.InteropServices;

namespace ShapWorker.LightGbm;

/// <summary>The part of LightGBM's C API that the sample uses. Each function returns 0, or -1 with the reason in <see cref="LGBM_GetLastError"/>.</summary>
internal static partial class NativeMethods
{
    public const int Float32 = 0;
    public const int Float64 = 1;

    private const string Library = "lib_lightgbm";

    [LibraryImport(Library)]
    public static partial nint LGBM_GetLastError();

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int LGBM_DatasetCreateFromMat(
        ReadOnlySpan<double> data, int dataType, int rows, int columns, int isRowMajor, string parameters, nint reference, out DatasetHandle dataset);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int LGBM_DatasetSetField(DatasetHandle dataset, string field, ReadOnlySpan<float> data, int count, int dataType);

    [LibraryImport(Library)]
    public static partial int LGBM_DatasetFree(nint dataset);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int LGBM_BoosterCreate(DatasetHandle dataset, string parameters, out BoosterHandle booster);

    [LibraryImport(Library)]
    public static partial int LGBM_BoosterUpdateOneIter(BoosterHandle booster, out int isFinished);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int LGBM_BoosterPredictForMat(
        BoosterHandle booster, ReadOnlySpan<double> data, int dataType, int rows, int columns, int isRowMajor,
        int predictType, int startIteration, int iterations, string parameters, out long written, Span<double> result);

    [LibraryImport(Library)]
    public static partial int LGBM_BoosterDumpModel(
        BoosterHandle booster, int startIteration, int iterations, int importanceType, long size, out long written, Span<byte> text);

    [LibraryImport(Library)]
    public static partial int LGBM_BoosterFree(nint booster);
}

internal sealed class DatasetHandle() : SafeHandle(0, ownsHandle: true)
{
    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle() => NativeMethods.LGBM_DatasetFree(handle) == 0;
}

internal sealed class BoosterHandle() : SafeHandle(0, ownsHandle: true)
{
    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle() => NativeMethods.LGBM_BoosterFree(handle) == 0;
}
